import type { IncomingMessage, ServerResponse } from 'node:http';
import { BerthError } from '@berth/errors';
import {
  type FlatHeaders,
  forbidsLength,
  headerValue,
  type RelayedHead,
  relayHead,
  withoutHeader,
} from '@berth/http-rules';
import type { InterimHead } from '@berth/exchange';

/** For the rest of an upload that nobody wants any more, ms; then the connection is closed. */
const LINGER_MS = 5000;

/** The error for a body over `ingress.maxBodyBytes`. */
export function bodyTooLarge(limit: number): BerthError {
  return new BerthError(
    'BERTH_BODY_TOO_LARGE',
    `the request body is larger than ${limit} bytes (ingress.maxBodyBytes)`,
  );
}

/**
 * A response head for the client: end-to-end headers, and no length where there must be none.
 *
 * @param isSwitch keeps `Upgrade` and `Connection: Upgrade`
 * @throws FramingError as {@link relayHead} does
 */
export function relayAnswer({ status, headers }: InterimHead, isSwitch: boolean): RelayedHead {
  const head = relayHead(headers, isSwitch);
  if (forbidsLength(status)) head.headers = withoutHeader(head.headers, 'content-length');
  return head;
}

/** Unlike `flushHeaders()`, which writes the head as UTF-8, this keeps its bytes. */
export function flushHead(response: ServerResponse): void {
  if (!response.writableEnded && !response.destroyed) response.write('', 'latin1');
}

/** Hands the socket all that was written, the head included; Node holds it back until the turn ends. */
export function sendNow(response: ServerResponse): void {
  flushHead(response);
  const { socket } = response;
  while (socket !== null && socket.writableCorked > 0) socket.uncork();
}

/** Whether the client waits for a 100 before it sends its body. */
export function expectsContinue(headers: FlatHeaders): boolean {
  return headerValue(headers, 'expect')?.toLowerCase() === '100-continue';
}

/** The answer is out, the upload is not: it is read to nowhere for a while, so that the answer can arrive. */
export function linger(request: IncomingMessage): void {
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

/** Whether an answer is a stream of events, which may be as slow as its events and their reader are. */
export function isEventStream(headers: FlatHeaders): boolean {
  return headerValue(headers, 'content-type')?.toLowerCase().startsWith('text/event-stream') ?? false;
}
