import { constants, type ServerHttp2Stream } from 'node:http2';

/** Time between two looks whether an answer has left, ms. */
const SENT_CHECK_MS = 10;

/** In the state of a stream: our half is closed, and all of it has left. */
const CLOSED = 1;

/**
 * Ends a stream whose answer is complete while its request goes on. Not before the end of
 * the answer is out, which no event tells: a reset overtakes trailers.
 *
 * @param stream its writable side has been ended
 */
export function resetOnceSent(stream: ServerHttp2Stream): void {
  if (stream.destroyed) return;
  if (stream.closed) {
    // Node keeps a stream, and its place among those at once, until what it holds has been read.
    stream.resume();
    return;
  }
  const { localClose, state } = stream.state;
  if (state === constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE) return;
  if (localClose === CLOSED) {
    stream.close(constants.NGHTTP2_NO_ERROR);
    stream.resume();
    return;
  }
  setTimeout(resetOnceSent, SENT_CHECK_MS, stream).unref();
}
