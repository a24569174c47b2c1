import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect, createServer, type Server as NetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BerthError, messageOf } from '@berth/errors';

/** A way for requests to a server in this process that nobody else can take. */
export interface PrivateSocket extends AsyncDisposable {
  /** as the setting `target` has it */
  readonly target: string;
}

/** Linux: a descriptor that only says where a file is (open(2)). Node has no name for it. */
const O_PATH = 0o10000000;

/** What a server is told of who connects: there is no address, and code that asks for one expects one. */
const PEER = { remoteAddress: '127.0.0.1', remotePort: 0, remoteFamily: 'IPv4', localAddress: '127.0.0.1' } as const;

/**
 * Hands connections to a server that does not have to listen: over a Unix socket in a folder of this user alone, or a
 * named pipe on Windows. On Linux the file is gone again before anything else happens, so that none is left behind by
 * a process that is killed.
 *
 * @param option for messages
 * @throws BerthError `BERTH_CONFIG_INVALID` when there is no place for it
 */
export async function privateSocket(server: Server, option: string): Promise<PrivateSocket> {
  await using stack = new AsyncDisposableStack();
  const isWindows = process.platform === 'win32';
  const folder = isWindows ? '' : makeFolder(option);
  if (!isWindows) stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const path = isWindows ? `\\\\.\\pipe\\berth-agent-${randomUUID()}` : join(folder, 's');

  const entrance = createServer({ allowHalfOpen: true });
  try {
    // Exclusive: a worker of a cluster would share it with the others.
    await once(entrance.listen({ path, exclusive: true }), 'listening');
  } catch (thrown) {
    throw noPlace(option, `a socket at ${path}`, thrown);
  }
  const sockets = new Set<Socket>();
  stack.defer(async () => {
    const closed = once(entrance.close(), 'close');
    for (const socket of sockets) socket.destroy();
    await closed;
  });

  const inode = process.platform === 'linux' ? await openInode(path, entrance) : undefined;
  if (inode !== undefined) {
    rmSync(folder, { recursive: true, force: true });
    stack.defer(() => closeSync(inode));
  }
  entrance.on('connection', (socket) => {
    for (const [name, value] of Object.entries(PEER)) Object.defineProperty(socket, name, { value });
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    server.emit('connection', socket);
  });
  const owned = stack.move();
  return {
    target: `unix:${inode === undefined ? path : pathOf(inode)}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function makeFolder(option: string): string {
  try {
    // For this user alone, by mkdtemp(3).
    return mkdtempSync(join(tmpdir(), 'berth-agent-'));
  } catch (thrown) {
    throw noPlace(option, `a folder in ${tmpdir()}`, thrown);
  }
}

function noPlace(option: string, what: string, thrown: unknown): BerthError {
  const code = (thrown as NodeJS.ErrnoException).code ?? messageOf(thrown);
  const text = `${option}: cannot make ${what} (${code}); set TMPDIR to a short path that can be written to`;
  return new BerthError('BERTH_CONFIG_INVALID', text, { cause: thrown });
}

const pathOf = (inode: number): string => `/proc/self/fd/${inode}`;

/** A descriptor through which the socket is reached without its name; undefined where there is no such way. */
async function openInode(path: string, entrance: NetServer): Promise<number | undefined> {
  const hangUp = (socket: Socket): void => void socket.destroy();
  let inode: number | undefined;
  try {
    inode = openSync(path, O_PATH);
    entrance.once('connection', hangUp);
    await once(connect({ path: pathOf(inode) }).resume(), 'close');
    return inode;
  } catch {
    // No /proc, or one that leads nowhere: the file stays.
    entrance.off('connection', hangUp);
    if (inode !== undefined) closeSync(inode);
    return undefined;
  }
}
