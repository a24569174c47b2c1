import type { ClientHttp2Stream } from 'node:http2';

/**
 * Has a stream end only when the service has said END_STREAM. Node ends a stream that was reset in the same way, so
 * that what was cut off would look complete; but it calls `push(null)` for END_STREAM before it closes the stream,
 * and for a reset after it. A stream without a true end closes without an end.
 */
export function endOnlyTruly(stream: ClientHttp2Stream): void {
  let isComplete = false;
  const push = stream.push.bind(stream);
  stream.push = (chunk, encoding) => {
    if (chunk !== null) return push(chunk, encoding);
    isComplete ||= !stream.closed;
    if (isComplete) return push(null);
    // Node would wait for the end that it does not get; and it is not done with the stream in this call.
    process.nextTick(destroy, stream);
    return false;
  };
}

function destroy(stream: ClientHttp2Stream): void {
  stream.destroy();
}
