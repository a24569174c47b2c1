import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

/**
 * For what a client still sends behind its last answer, ms: a connection that is
 * closed with unread bytes is reset, and the answer may be lost with it.
 */
const LINGER_MS = 2000;

/** Destroys a connection when its client has had the time to take its last answer. */
export function destroySoon(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once('close', () => {
    clearTimeout(timer);
  });
}

/** Ends a connection so that its peer sees that there should have been more. */
export function breakOff(socket: Socket): void {
  // In TLS an end without its closing alert says so, and Node can reset no such socket.
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

/** Ends a socket, and reads to nowhere for a while what its client still sends. */
export function lingeringEnd(this: Socket): void {
  this.end();
  this.resume();
  if (!this.destroyed) destroySoon(this);
}

/** The answer is out, the upload is not: it is read to nowhere for a while, so that the answer can arrive. */
export function lingerUpload(request: IncomingMessage): void {
  // Paused for want of credit that nobody gives any more.
  request.resume();
  const timer = setTimeout(() => {
    if (!request.complete) request.socket.destroy();
  }, LINGER_MS);
  timer.unref();
  request.once('close', () => {
    clearTimeout(timer);
  });
}
