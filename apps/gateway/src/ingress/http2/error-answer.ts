import type { ServerHttp2Stream } from 'node:http2';
import type { BerthError } from '@berth/errors';
import type { FlatHeaders } from '@berth/http-rules';
import { type Asked, errorText } from '../error-text.js';

/** Whether a request is a call of gRPC: its client reads `grpc-status`, and no JSON. */
export function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc(?:[+;]|$)/i.test(contentType);
}

/**
 * Answers with Berth's error, as JSON, as a problem or as gRPC has it; the head must not have been sent.
 *
 * @param fields of `errorHead`
 * @param asked how; `grpc`: a status in a head that is all of the answer ("trailers-only")
 */
export function sendHttp2Error(
  stream: ServerHttp2Stream,
  error: BerthError,
  requestId: string,
  fields: FlatHeaders,
  asked: Asked & { grpc: boolean },
): void {
  if (asked.grpc) {
    const message = percentEncoded(`${error.message} (${error.code}, request ${requestId})`);
    const status = String(error.grpcStatus);
    const head = [':status', '200', 'content-type', 'application/grpc', 'grpc-status', status, 'grpc-message', message];
    stream.respond([...head, ...fields], { endStream: true });
    return;
  }
  const { type, body } = errorText(error, requestId, asked);
  const length = String(Buffer.byteLength(body));
  const head = [':status', String(error.httpStatus), 'content-type', type];
  stream.respond([...head, 'content-length', length, ...fields]);
  // Of HEAD, Node has ended it by itself.
  if (!stream.writableEnded) stream.end(body);
}

/** As gRPC wants its messages: everything but printable ASCII escaped, and the escape itself. */
function percentEncoded(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    out += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}
