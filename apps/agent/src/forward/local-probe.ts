import { connect } from 'node:net';
import type { LocalTarget } from './local-target.js';

/** What the local service may take to close its end of a connection that was only to see whether it is there, ms. */
const CLOSE_MS = 1000;

/**
 * Looks whether the local service takes a connection, and closes that again
 * without a word: in order, so that a service logs no broken one. An https
 * service too is only connected to.
 *
 * @param timeoutMs until the connection must stand
 * @returns undefined when it did, and else why not
 */
export function probeLocal(
  { socketPath, host, port }: Pick<LocalTarget, 'socketPath' | 'host' | 'port'>,
  timeoutMs: number,
): Promise<Error | undefined> {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  const socket = connect(socketPath === undefined ? { host, port } : { path: socketPath });
  let timer = setTimeout(() => {
    socket.destroy(Object.assign(new Error('no connection in time'), { code: 'UND_ERR_CONNECT_TIMEOUT' }));
  }, timeoutMs);
  socket
    .once('connect', () => {
      clearTimeout(timer);
      timer = setTimeout(() => socket.destroy(), CLOSE_MS).unref();
      // What a service says first is read: unread bytes would turn the close into a reset.
      socket.resume().end();
      resolve(undefined);
    })
    .on('error', resolve)
    .once('close', () => {
      clearTimeout(timer);
    });
  return promise;
}
