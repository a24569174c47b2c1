import { STATUS_CODES, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { INestApplication } from '@nestjs/common';
import { BerthError, errorBody } from '#errors';
import { ErrorFilter, newAdminRequestId } from './error.filter.js';

interface ExpressInstance {
  disable(setting: string): void;
}

/** Makes a whole application answer as the admin API does: errors of any path, and of what is not HTTP. */
export function prepareAdminApp(app: INestApplication): void {
  (app.getHttpAdapter().getInstance() as ExpressInstance).disable('x-powered-by');
  app.useGlobalFilters(app.get(ErrorFilter));
  (app.getHttpServer() as Server).on('clientError', answerClientError);
}

function answerClientError(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const refused = asBerthError(error);
  const body = JSON.stringify(errorBody(refused, newAdminRequestId()));
  socket.end(
    `HTTP/1.1 ${refused.httpStatus} ${STATUS_CODES[refused.httpStatus] ?? 'Error'}\r\n` +
      'Content-Type: application/json; charset=utf-8\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function asBerthError({ code }: { code?: string }): BerthError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new BerthError('BERTH_HEADERS_TOO_LARGE', 'the request head is larger than the admin port takes');
    case 'HPE_INVALID_METHOD':
      return new BerthError('BERTH_BAD_REQUEST', 'the request method is unknown');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new BerthError('BERTH_REQUEST_TIMEOUT', 'the request did not arrive in time');
    default:
      return new BerthError('BERTH_BAD_REQUEST', 'the request is not valid HTTP');
  }
}
