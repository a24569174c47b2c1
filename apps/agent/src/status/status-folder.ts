import { lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Where systemd makes the folder of a system unit that `service install` wrote. */
const SYSTEM_UNITS = '/run/berth-agent';
const SOCKET = /^(berth-)?agent-\d+-[0-9a-f]+(\.sock)?$/;
const PIPES = '\\\\.\\pipe\\';

/** Whose folders are meant; default: this process. */
export interface StatusPlace {
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly tmp?: string;
  /** folder of folders of system units */
  readonly units?: string;
}

/** Folders for the sockets of a user's agents, the best first: where systemd or the session says, then the temporary one. */
function statusFolders({ env = process.env, uid = ownUid(), tmp = tmpdir() }: StatusPlace = {}): string[] {
  const [unit = ''] = (env['RUNTIME_DIRECTORY'] ?? '').split(':');
  const session = env['XDG_RUNTIME_DIR'] ?? '';
  return [
    ...new Set([
      ...(unit === '' ? [] : [unit]),
      join(session === '' ? `/run/user/${uid}` : session, 'berth'),
      join(tmp, `berth-${uid}`),
    ]),
  ];
}

/** Those, and the ones of system units. */
export function foldersToAsk(place: StatusPlace = {}): string[] {
  const { units = SYSTEM_UNITS } = place;
  try {
    return [...statusFolders(place), ...readdirSync(units).map((name) => join(units, name))];
  } catch {
    return statusFolders(place);
  }
}

/**
 * The first folder that can be used, made where it is missing.
 *
 * @throws Error that says of each why not: what another user has put there, a link or an open folder, is never used
 */
export function claimFolder(place: StatusPlace = {}): string {
  const faults: string[] = [];
  for (const folder of statusFolders(place)) {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch {
      // It is there, or cannot be: the look says which.
    }
    const fault = folderFault(folder, place.uid ?? ownUid());
    if (fault === undefined) return folder;
    faults.push(`${folder} ${fault}`);
  }
  throw new Error(faults.join('; '));
}

/** What is wrong with a folder for sockets that nobody but its owner may reach. @param uid who asks; 0 may ask everybody's */
export function folderFault(folder: string, uid: number, mayBeOthers = false): string | undefined {
  try {
    const its = lstatSync(folder);
    if (!its.isDirectory()) return 'is no folder';
    if (its.uid !== uid && !(uid === 0 && mayBeOthers)) return 'belongs to another user';
    if ((its.mode & 0o077) !== 0) return 'is open to other users: its mode must be 0700';
    const parent = statSync(dirname(folder));
    const isSticky = (parent.mode & 0o1000) !== 0;
    // Whoever may rename it could put another in its place.
    if ((parent.mode & 0o022) !== 0 && !isSticky) return 'is in a folder that others can change';
    if (![0, its.uid].includes(parent.uid)) return 'is in a folder of another user';
    return undefined;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : 'cannot be looked at';
  }
}

/** Sockets in a folder. */
export function socketsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => SOCKET.test(name))
    .map((name) => join(folder, name));
}

/** Pipes of agents on Windows, of all users: who may not ask one is told so by the system. */
export function pipes(): string[] {
  return readdirSync(PIPES)
    .filter((name) => SOCKET.test(name))
    .map((name) => PIPES + name);
}

/** @param tail makes it another than any before */
export function pipeName(tail: string): string {
  return `${PIPES}berth-agent-${process.pid}-${tail}`;
}

/** -1 on Windows, where folders play no part. */
export function ownUid(): number {
  return process.getuid?.() ?? -1;
}
