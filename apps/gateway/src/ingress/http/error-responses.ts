import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { BerthError } from '@berth/errors';
import { type FlatHeaders, headerValue } from '@berth/http-rules';
import { errorText } from '../error-text.js';
import { type Reached, REACHED_HEADER } from '../reached.js';

/**
 * Head fields of every error answer beside its framing; `Retry-After` where trying again makes sense.
 *
 * @param more what a handler adds to them
 */
export function errorHead(
  error: BerthError,
  reached: Reached,
  retryAfterSeconds: number,
  more: FlatHeaders = [],
): FlatHeaders {
  const head = ['Cache-Control', 'no-store', REACHED_HEADER, reached, ...more];
  if (error.httpStatus === 503 && headerValue(more, 'retry-after') === undefined)
    head.push('Retry-After', String(retryAfterSeconds));
  return head;
}

/**
 * Answers with Berth's error as the request asks for it; the head must not have been sent.
 *
 * @param fields of {@link errorHead}
 */
export function sendError(response: ServerResponse, error: BerthError, requestId: string, fields: FlatHeaders): void {
  const { headers, url } = response.req;
  const { type, body } = errorText(error, requestId, { accept: headers.accept, target: url });
  response.sendDate = true;
  // With its reason: a head that could not be sent may have left a bad one behind.
  const reason = STATUS_CODES[error.httpStatus] ?? 'Error';
  response.writeHead(error.httpStatus, reason, [
    'Content-Type',
    type,
    'Content-Length',
    String(Buffer.byteLength(body)),
    ...fields,
  ]);
  response.end(body);
}
