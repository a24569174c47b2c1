import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { BerthError, errorBody } from '@berth/errors';

/** The id of a request that no exchange has given one, to be made once for each. */
export function newRequestId(): string {
  return `req-${randomBytes(6).toString('hex')}`;
}

/**
 * Answers with Berth's JSON error on a socket that has no response object, such
 * as one whose parser is no longer to be trusted; closes it.
 *
 * @param fields of the head beside type and framing: name, value, name, value …
 */
export function endWithError(socket: Duplex, error: BerthError, requestId: string, fields: readonly string[]): void {
  const body = JSON.stringify(errorBody(error, requestId));
  let head = `HTTP/1.1 ${error.httpStatus} ${STATUS_CODES[error.httpStatus] ?? 'Error'}\r\n`;
  head += `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i] as string}: ${fields[i + 1] as string}\r\n`;
  socket.end(`${head}Connection: close\r\n\r\n${body}`);
}

/**
 * What the complaint of Node's parser is to a client.
 *
 * @param tooLarge what to say of a head that is too large: it names the setting
 * @param tooSlow what to say of a request that did not arrive in time
 */
export function errorOfParser({ code }: Error & { code?: string }, tooLarge: string, tooSlow: string): BerthError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new BerthError('BERTH_HEADERS_TOO_LARGE', tooLarge);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new BerthError('BERTH_REQUEST_TIMEOUT', tooSlow);
    case 'HPE_INVALID_METHOD':
      return new BerthError('BERTH_BAD_REQUEST', 'the request method is unknown');
    default:
      return new BerthError('BERTH_BAD_REQUEST', 'the request is not valid HTTP');
  }
}
