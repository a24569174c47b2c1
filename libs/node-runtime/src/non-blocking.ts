import { constants, fstatSync, openSync } from 'node:fs';

/**
 * A descriptor of a standard stream on which writing does not block.
 *
 * A blocking pipe stops the event loop when nobody reads it; through the thread
 * pool it stops a thread for good, and `process.exit` then waits for that thread.
 * So pipes and terminals are opened once more, without blocking: that is an open
 * file of our own (proc(5), /proc/pid/fd), which nobody who shares the stream can
 * make blocking again, as each Node does that ends. Sockets (journald) cannot be
 * opened again; libuv makes those non-blocking when Node's own stream is asked
 * for. Files do not block.
 */
export function nonBlocking(stream: 1 | 2): number {
  const stat = fstatSync(stream);
  if (stat.isFile()) return stream;
  if (!stat.isSocket()) {
    try {
      return openSync(`/proc/self/fd/${stream}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch {
      // Not on this system, another user's, or a pipe whose reader has left.
    }
  }
  return (stream === 1 ? process.stdout : process.stderr).fd;
}
