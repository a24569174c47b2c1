import { randomBytes } from 'node:crypto';
import { STATUS_CODES, type ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Duplex } from 'node:stream';
import { type BerthError, errorBody } from '@berth/errors';
import { type OpenedExchange, requestIdOf } from '@berth/exchange';

/**
 * The id of a request, to be made once for each (issue 8, E29).
 *
 * @param exchange the one that the answer is about; undefined for a request that never became one
 */
export function newRequestId(exchange?: Pick<OpenedExchange, 'connection' | 'id'>): string {
  if (exchange === undefined) return `req-${randomBytes(6).toString('hex')}`;
  return requestIdOf(exchange.connection.id, exchange.id);
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
  endWithAnswer(socket, error.httpStatus, errorHead(error, Buffer.byteLength(body), retryAfterSeconds), body);
}

/**
 * An answer on a socket that has no response object, such as an upgraded one; closes it.
 *
 * @throws TypeError for a header that is not valid HTTP
 */
export function sendRawAnswer(socket: Duplex, status: number, headers: readonly string[], body: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    validateHeaderName(headers[i] as string);
    validateHeaderValue(headers[i] as string, headers[i + 1] as string);
  }
  endWithAnswer(socket, status, [...headers, 'Content-Length', String(Buffer.byteLength(body))], body);
}

function endWithAnswer(socket: Duplex, status: number, fields: readonly string[], body: string): void {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Answer'}\r\n`;
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i] as string}: ${fields[i + 1] as string}\r\n`;
  socket.write(`${head}Connection: close\r\n\r\n`, 'latin1');
  socket.end(body);
}
