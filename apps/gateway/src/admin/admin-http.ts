import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { INestApplication } from '@nestjs/common';
import type { RequestHandler } from 'express';
import type { Frozen } from '@berth/config';
import { BerthError } from '@berth/errors';
import { endWithError, errorOfParser, newRequestId } from '@berth/http-server-pool';
import type { Log } from '@berth/observability';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { AdminAccess } from './admin-access.js';
import { ADMIN_HEADERS, hardenAnswer } from './admin-headers.js';
import { methodsByPath } from './allowed-methods.js';
import { answerIndex } from './index-page.js';
import { httpConfig, type HttpSettings } from './http.settings.js';
import { ErrorFilter } from './error.filter.js';
import { openApiDocument } from './open-api.js';

interface ExpressInstance {
  disable(setting: string): void;
  get(path: string, handler: RequestHandler): void;
}

/** How often slow requests are looked for, ms; Node looks every 30 s unless told otherwise. */
const SLOW_CHECK_MS = 1000;

/**
 * Makes a whole application answer as the admin API does: errors and headers of
 * any path, deadlines, and answers to what is not HTTP. To be called before it listens.
 */
export function prepareAdminApp(app: INestApplication): void {
  const express = app.getHttpAdapter().getInstance() as ExpressInstance;
  express.disable('x-powered-by');
  app.useGlobalFilters(app.get(ErrorFilter));
  app.use(gate(app.get(AdminAccess), methodsByPath(openApiDocument(app))));
  express.get('/', answerIndex);
  const server = app.getHttpServer() as Server;
  const log = app.get<Log>(GATEWAY_LOG);
  server.on('clientError', (error, socket) => {
    answerClientError(error, socket, log);
  });
  endSlowRequests(server, app.get<Frozen<HttpSettings>>(httpConfig.KEY));
}

/** Runs before everything else, bodies included, on every path: what no route may see is refused here. */
function gate(access: AdminAccess, methodsOf: (path: string) => string | undefined) {
  return (request: IncomingMessage & { path: string }, response: ServerResponse, next: (error?: unknown) => void) => {
    hardenAnswer(response);
    try {
      access.checkRequest(request);
      const allowed = methodsOf(request.path);
      if (allowed !== undefined && !allowed.split(', ').includes(request.method ?? '')) {
        response.setHeader('Allow', allowed);
        throw new BerthError('BERTH_METHOD_NOT_ALLOWED', `${request.path} takes ${allowed}`);
      }
      if (allowed !== undefined && request.method === 'OPTIONS') {
        response.writeHead(204, { Allow: allowed }).end();
        return;
      }
    } catch (thrown) {
      next(thrown);
      return;
    }
    next();
  };
}

function endSlowRequests(server: Server, { headersTimeoutMs, requestTimeoutMs }: Frozen<HttpSettings>): void {
  const connectionsCheckingInterval = Math.min(SLOW_CHECK_MS, headersTimeoutMs, requestTimeoutMs);
  Object.assign(server, {
    headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval,
  });
  // Whoever does not read an answer is not waited for either; slow requests have had their 408 by then.
  server.setTimeout(requestTimeoutMs + 2 * connectionsCheckingInterval);
}

function answerClientError(error: Error & { code?: string }, socket: Duplex, log: Log): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const refused = errorOfParser(
    error,
    'the request head is larger than the admin port takes',
    'the request did not arrive in time (http.headersTimeoutMs, http.requestTimeoutMs)',
  );
  const requestId = newRequestId();
  log.debug({ requestId, code: refused.code, reason: refused.message }, 'admin request answered with an error');
  endWithError(socket, refused, requestId, Object.entries(ADMIN_HEADERS).flat());
}
