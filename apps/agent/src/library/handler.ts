import { createServer, type RequestListener, Server } from 'node:http';
import { MAX_HEADER_BYTES } from '@berth/config';
import { BerthError } from '@berth/errors';

/** A Nest application, as far as its requests go. */
interface NestLike {
  init(): Promise<unknown>;
  getHttpServer(): unknown;
  getHttpAdapter(): { getInstance(): unknown };
}

/** A Fastify instance, as far as its requests go. */
interface FastifyLike {
  ready(): PromiseLike<unknown>;
  readonly server: unknown;
}

/**
 * What answers requests in this process: a listener as `http.createServer` takes it (an Express or Connect
 * application is one, and Koa's `app.callback()`), an `http.Server`, a Fastify instance or a Nest application. None of
 * them has to listen anywhere.
 */
export type Handler = RequestListener | Server | FastifyLike | NestLike;

/** What is wrong with a handler, if anything. */
export function checkHandler(handler: unknown): string | undefined {
  if (typeof handler === 'function' || isNest(handler) || isFastify(handler) || handler instanceof Server) return;
  return 'must be a function (request, response), an http.Server, or an application of Express, Fastify or Nest';
}

/**
 * The server that takes a handler's connections; one that somebody else made keeps its own limits.
 *
 * @throws BerthError `BERTH_CONFIG_INVALID` for an application on a server of HTTPS or HTTP/2
 */
export async function serverOf(handler: Handler, option: string): Promise<Server> {
  if (typeof handler === 'function') {
    // Deadlines and the size of heads are the gateway's affair.
    return createServer({ requestTimeout: 0, headersTimeout: 0, maxHeaderSize: 2 * MAX_HEADER_BYTES }, handler);
  }
  let server: unknown = handler;
  if (isNest(handler)) {
    await handler.init();
    const framework = handler.getHttpAdapter().getInstance();
    if (isFastify(framework)) await framework.ready();
    server = handler.getHttpServer();
  } else if (isFastify(handler)) {
    await handler.ready();
    server = handler.server;
  }
  if (server instanceof Server) return server;
  const what = 'serves HTTPS or HTTP/2, and plain HTTP is needed: leave TLS to the gateway';
  throw new BerthError('BERTH_CONFIG_INVALID', `${option}: ${what}`);
}

function isNest(handler: unknown): handler is NestLike {
  return has(handler, 'init') && has(handler, 'getHttpServer');
}

function isFastify(handler: unknown): handler is FastifyLike {
  return has(handler, 'ready') && 'server' in (handler as object);
}

function has(value: unknown, method: string): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function';
}
