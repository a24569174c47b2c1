import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type BerthError, errorBody } from '@berth/errors';
import { endWithError } from '@berth/http-server-pool';
import { type Reached, REACHED_HEADER } from '../reached.js';

/** Head fields of every error answer beside its framing; `Retry-After` where trying again makes sense. */
export function errorHead(error: BerthError, reached: Reached, retryAfterSeconds: number): string[] {
  const head = ['Cache-Control', 'no-store', REACHED_HEADER, reached];
  if (error.httpStatus === 503) head.push('Retry-After', String(retryAfterSeconds));
  return head;
}

/** Answers with Berth's JSON error; the head must not have been sent. */
export function sendError(
  response: ServerResponse,
  error: BerthError,
  requestId: string,
  reached: Reached,
  retryAfterSeconds: number,
): void {
  const body = JSON.stringify(errorBody(error, requestId));
  response.sendDate = true;
  // With its reason: a head that could not be sent may have left a bad one behind.
  const reason = STATUS_CODES[error.httpStatus] ?? 'Error';
  response.writeHead(error.httpStatus, reason, [
    'Content-Type',
    'application/json; charset=utf-8',
    'Content-Length',
    String(Buffer.byteLength(body)),
    ...errorHead(error, reached, retryAfterSeconds),
  ]);
  response.end(body);
}

/** The same on a socket whose parser is no longer to be trusted, or that was to be upgraded; closes it. */
export function sendRawError(
  socket: Duplex,
  error: BerthError,
  requestId: string,
  reached: Reached,
  retryAfterSeconds: number,
): void {
  endWithError(socket, error, requestId, errorHead(error, reached, retryAfterSeconds));
}
