import { lstatSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentStatus } from './agent-status.js';
import { folderFault, foldersToAsk, ownUid, pipes, socketsIn, type StatusPlace } from './status-folder.js';

const ANSWER_MS = 2000;
const MAX_CHARS = 262_144;
/** A socket that is younger may be one whose agent is about to listen, ms. */
const YOUNG_MS = 5000;

/** What came of asking all agents of this host. */
export interface Asking {
  readonly agents: readonly AgentStatus[];
  /** what was passed over, and why; a line each */
  readonly notes: readonly string[];
}

/** Asks every agent of this user, and for root those of system units too. Sockets that killed agents left are removed. */
export async function askAgents(place: StatusPlace = {}): Promise<Asking> {
  const notes: string[] = [];
  const paths =
    process.platform === 'win32' ? pipes() : foldersToAsk(place).flatMap((folder) => of(folder, place, notes));
  const answers = await Promise.all(
    paths.map(async (path) => {
      const answer = await ask(path);
      if (typeof answer !== 'string') return [answer];
      if (answer !== 'ECONNREFUSED' || !isOld(path)) notes.push(`${path} does not answer: ${answer}`);
      else {
        rmSync(path, { force: true });
        notes.push(`${path} was left by an agent that did not end in order; it is removed`);
      }
      return [];
    }),
  );
  return { agents: answers.flat().sort((a, b) => a.id.localeCompare(b.id) || a.pid - b.pid), notes };
}

/** Removes what agents left in a folder that were killed. */
export async function removeStale(folder: string): Promise<void> {
  for (const path of socketsIn(folder)) {
    if (isOld(path) && (await ask(path)) === 'ECONNREFUSED') rmSync(path, { force: true });
  }
}

function of(folder: string, place: StatusPlace, notes: string[]): string[] {
  const fault = folderFault(folder, place.uid ?? ownUid(), true);
  if (fault === undefined) return socketsIn(folder);
  if (fault !== 'is not there') notes.push(`${folder} is passed over: it ${fault}`);
  return [];
}

/** @returns what it says; or why not, as a code or a word */
async function ask(path: string): Promise<AgentStatus | string> {
  const socket = connect(path);
  const late = new AbortController();
  try {
    let chars = 0;
    socket.setEncoding('utf8').on('data', (some: string) => {
      chars += some.length;
      if (chars > MAX_CHARS) socket.destroy(new Error('it says too much'));
    });
    const answer = await Promise.race([
      text(socket),
      sleep(ANSWER_MS, undefined, { signal: late.signal }).then(() => {
        throw new Error('nothing in time');
      }),
    ]);
    return asStatus(answer) ?? 'it says what is no status';
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    return code ?? message;
  } finally {
    late.abort();
    socket.destroy();
  }
}

/** What another program says is shown at a terminal: nothing in it may steer that. */
function asStatus(answer: string): AgentStatus | undefined {
  try {
    const status = JSON.parse(answer, (_, value: unknown) =>
      typeof value === 'string' ? value.replaceAll(/[\p{Cc}\p{Cf}]/gu, '?') : value,
    ) as unknown;
    return isStatus(status) ? status : undefined;
  } catch {
    return undefined;
  }
}

function isStatus(value: unknown): value is AgentStatus {
  if (!has(value, 'string', 'id', 'version', 'started_at', 'gateway', 'since')) return false;
  if (!has(value, 'number', 'pid', 'in_flight', 'exchanges', 'failed', 'resident_memory_bytes')) return false;
  const { services, reason } = value as { services?: unknown; reason?: unknown };
  const isKnown = (service: unknown): boolean => has(service, 'string', 'name', 'target', 'url', 'message');
  return (
    Array.isArray(services) && services.every(isKnown) && (reason === null || has(reason, 'string', 'code', 'message'))
  );
}

function has(value: unknown, type: 'string' | 'number', ...names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === type);
}

function isOld(path: string): boolean {
  return (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < Date.now() - YOUNG_MS;
}
