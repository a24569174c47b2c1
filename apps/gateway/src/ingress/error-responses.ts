import { randomBytes } from 'node:crypto';
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type BerthError, errorBody } from '#errors';

/** A request id for a request that never became an exchange. */
export function newRequestId(): string {
  return `req-${randomBytes(6).toString('hex')}`;
}

/** Head fields of every error answer; `Retry-After` where trying again makes sense. */
function errorHead(error: BerthError, length: number, retryAfterSeconds: number): string[] {
  const head = [
    'Content-Type',
    'application/json; charset=utf-8',
    'Content-Length',
    String(length),
    'Cache-Control',
    'no-store',
  ];
  if (error.httpStatus === 503) head.push('Retry-After', String(retryAfterSeconds));
  return head;
}

/** Answers with Berth's JSON error; the head must not have been sent. */
export function sendError(
  response: ServerResponse,
  error: BerthError,
  requestId: string,
  retryAfterSeconds: number,
): void {
  const body = JSON.stringify(errorBody(error, requestId));
  response.sendDate = true;
  // With its reason: a head that could not be sent may have left a bad one behind.
  const reason = STATUS_CODES[error.httpStatus] ?? 'Error';
  response.writeHead(error.httpStatus, reason, errorHead(error, Buffer.byteLength(body), retryAfterSeconds));
  response.end(body);
}

/** The same on a socket whose parser is no longer to be trusted; closes it. */
export function sendRawError(socket: Duplex, error: BerthError, requestId: string, retryAfterSeconds: number): void {
  const body = JSON.stringify(errorBody(error, requestId));
  const fields = errorHead(error, Buffer.byteLength(body), retryAfterSeconds);
  let head = `HTTP/1.1 ${error.httpStatus} ${STATUS_CODES[error.httpStatus] ?? 'Error'}\r\n`;
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i] as string}: ${fields[i + 1] as string}\r\n`;
  socket.end(`${head}Connection: close\r\n\r\n${body}`);
}
