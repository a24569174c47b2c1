import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '@berth/errors';
import type { Log } from '@berth/observability';
import type { AgentStatus } from './agent-status.js';
import { removeStale } from './ask-status.js';
import { claimFolder, pipeName, type StatusPlace } from './status-folder.js';

/** Asked by people, one at a time. */
const MAX_ASKING = 8;
/** Time that who asks may take to read the answer, ms. */
const ANSWER_MS = 2000;

/** Answers `berth-agent status` until it is closed. */
export interface StatusSocket {
  /** undefined: there is none, and the log says why */
  readonly path: string | undefined;
  close(): void;
}

/**
 * Listens on a local socket that only this user can reach. An agent without one serves all the same. Keeps no process
 * alive.
 *
 * @param read what is said, as JSON, to everybody who connects
 */
export function listenForStatus(read: () => AgentStatus, log: Log, place: StatusPlace = {}): StatusSocket {
  const without = (thrown: unknown): void => {
    // A container without a writable folder is no fault.
    log.info({ reason: messageOf(thrown) }, 'berth-agent status will not find this agent: no socket for it');
  };
  let path: string;
  try {
    path = newPath(place);
  } catch (thrown) {
    without(thrown);
    return { path: undefined, close: () => undefined };
  }
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.resume().end(JSON.stringify(read()));
  });
  server.maxConnections = MAX_ASKING;
  server.on('error', without).unref();
  server.listen(path);
  return {
    path,
    close: () => {
      server.close();
    },
  };
}

function newPath(place: StatusPlace): string {
  const tail = randomBytes(3).toString('hex');
  if (process.platform === 'win32') return pipeName(tail);
  const folder = claimFolder(place);
  // Whatever keeps one from going: the next agent tries again.
  removeStale(folder).catch(() => undefined);
  return join(folder, `agent-${process.pid}-${tail}.sock`);
}
