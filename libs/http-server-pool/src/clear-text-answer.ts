import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { BerthError } from '@berth/errors';
import { endWithError, newRequestId } from './raw-answers.js';

/** For a client of HTTP to read that it should have spoken HTTPS, ms. */
const LAST_WORDS_MS = 1000;

/** What Node's TLS sockets have beside their public parts. */
type Wrapped = TLSSocket & { _parent?: Socket };

/**
 * Answers a request that came without TLS: its client can read an answer without TLS alone. What it still sends
 * may cost it that.
 *
 * The connection below a TLS socket is private to Node (`_parent`), and an answer through the socket itself would
 * be encrypted. The server's `connection` event has it as well, but to find it again there would have to be an
 * entry, by both addresses, for each connection in its handshake. Where a Node has no `_parent`, clients see their
 * connection end without an answer, and the spec beside this file goes red.
 */
export function answerClearText(socket: TLSSocket): void {
  const clear = (socket as Wrapped)._parent;
  socket.destroy();
  if (clear?.writable !== true) return;
  const error = new BerthError('BERTH_BAD_REQUEST', 'this port speaks HTTPS: use https:// instead of http://');
  clear.on('error', () => clear.destroy());
  endWithError(clear, error, newRequestId(), ['Cache-Control', 'no-store']);
  const timer = setTimeout(() => clear.destroy(), LAST_WORDS_MS);
  timer.unref();
  clear.once('close', () => {
    clearTimeout(timer);
  });
}
