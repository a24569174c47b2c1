import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TlsOptions } from 'node:tls';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Express, NextFunction, Request, Response } from 'express';
import type { BindAddress } from './bind-address.js';
import { PooledHttpServer, type PooledServerOptions } from './pooled-http-server.js';
import { clearServer, secureServer } from './port-listeners.js';
import type { TlsFailure } from './tls-failure.js';

/** Middleware as Express and most of npm have it. */
export interface PortMiddleware {
  use(request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): unknown;
}

type RunMiddleware = (request: IncomingMessage, response: ServerResponse) => void;

/** Takes what arrives at an agent's port. */
export interface AgentTraffic {
  /**
   * @param middleware runs all middleware of the port; {@link passed} follows, or
   *   {@link middlewareFailed}, or a middleware answers by itself. Undefined where there is none.
   */
  request(request: IncomingMessage, response: ServerResponse, middleware?: RunMiddleware): void;
  /** a request that all middleware has handed on */
  passed(request: IncomingMessage, response: ServerResponse): void;
  /** whether a request with `Upgrade` goes to {@link upgrade}; with false, {@link request} follows, and must be the last */
  upgrades(request: IncomingMessage): boolean;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Has each connection first, before anybody reads of it, and calls `begin` if it may begin; undefined: all may. It may
   * change while the server runs.
   */
  readonly gate?: ((socket: Socket, begin: () => void) => void) | undefined;
  /** a connection begins; with TLS, its handshake is over */
  connection(socket: Duplex): void;
  /** with TLS: a connection begins whose handshake is to follow */
  accepted?(socket: Socket): void;
  /** with TLS: a handshake that came to nothing */
  tlsFailed?(why: TlsFailure): void;
  /** bytes that are not HTTP, or beyond a limit; answers and closes */
  clientError(error: Error, socket: Duplex): void;
  /** a connection that speaks HTTP/2, from its first byte on; absent where the port serves none */
  readonly http2?: ((socket: Duplex) => void) | undefined;
  /** whether connections in clear text may speak it, too; where they may, their first bytes are looked at */
  readonly clearHttp2?: boolean;
  /** a request that middleware failed on */
  middlewareFailed(error: unknown, request: IncomingMessage, response: ServerResponse): void;
}

export interface AgentServerOptions {
  /** head of a request, bytes, request line included */
  maxHeaderBytes: number;
  /** for the head of a request, ms */
  headersTimeoutMs: number;
  /** idle connections between requests, ms */
  keepAliveTimeoutMs: number;
  /** connections at once; more are dropped */
  maxConnections: number;
}

/** What is said of one port. */
export interface AgentPortOptions extends PooledServerOptions {
  /** undefined: clear text */
  tls?: TlsOptions | undefined;
}

/** Makes the HTTP server of one agent: an Express adapter of its own, with nothing of Express left on but routing. */
export class AgentHttpServerFactory {
  private readonly live = new Set<Server>();

  constructor(private readonly options: AgentServerOptions) {}

  /** How many of its servers listen. */
  get listening(): number {
    return this.live.size;
  }

  /**
   * @param middleware of this server, in the order in which it runs
   * @param options `requests`: who takes them counts them, so that nothing runs twice per request; default: none are counted
   */
  create(
    name: string,
    bind: BindAddress,
    traffic: AgentTraffic,
    middleware: readonly PortMiddleware[] = [],
    { tls, ...options }: AgentPortOptions = {},
  ): PooledHttpServer {
    const adapter = new ExpressAdapter();
    const app = adapter.getInstance<Express>();
    app.disable('x-powered-by');
    app.disable('etag');
    for (const each of middleware) {
      app.use((request: Request, response: Response, next: NextFunction) => each.use(request, response, next));
    }
    const runs = middleware.length > 0 ? runner(app, traffic) : undefined;
    const server = this.listener(traffic, runs, tls);
    adapter.setHttpServer(server);
    server.on('listening', () => this.live.add(server));
    server.on('close', () => this.live.delete(server));
    return new PooledHttpServer(name, bind, server, { requests: () => 0, ...options });
  }

  private listener(traffic: AgentTraffic, middleware: RunMiddleware | undefined, tls: TlsOptions | undefined): Server {
    const { options } = this;
    // Express's own handling costs a fifth of the gateway's time per request; without
    // middleware there is nothing for it to do. See docs/decisions/0009-express-on-demand.md.
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      traffic.request(request, response, middleware);
    };
    const http = {
      maxHeaderSize: options.maxHeaderBytes,
      headersTimeout: options.headersTimeoutMs,
      // Node looks every 30 s otherwise, whatever the timeout.
      connectionsCheckingInterval: Math.max(MIN_CHECK_MS, options.headersTimeoutMs / 2),
      keepAliveTimeout: options.keepAliveTimeoutMs,
      // Uploads take as long as they take; the relay has an idle timeout.
      requestTimeout: 0,
      // The ingress asks for it, and answers in its own form.
      requireHostHeader: false,
      shouldUpgradeCallback: (request: IncomingMessage) => traffic.upgrades(request),
    };
    const server =
      tls === undefined ? clearServer(http, traffic, handle) : secureServer({ ...http, ...tls }, traffic, handle);
    server.timeout = 0;
    server.maxConnections = options.maxConnections;
    // 0: header lines are bounded by maxHeaderSize, and none is dropped in silence.
    server.maxHeadersCount = 0;
    // A client that has sent its request may close its half and still read the answer.
    (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
    // Expect is the local service's to answer.
    server.on('checkContinue', handle);
    server.on('checkExpectation', handle);
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      traffic.upgrade(request, socket, head);
    });
    server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      traffic.upgrade(request, socket, head);
    });
    server.on('clientError', (error: Error, socket: Duplex) => {
      traffic.clientError(error, socket);
    });
    return server;
  }
}

/** The router alone: where it ends, the ingress goes on, and Express's own last answer (404) is never given. */
function runner(app: Express, traffic: AgentTraffic): RunMiddleware {
  return (request, response) => {
    app(request as Request, response as Response, (error?: unknown) => {
      if ((error ?? undefined) === undefined) traffic.passed(request, response);
      else traffic.middlewareFailed(error, request, response);
    });
  };
}

/** Shortest time between two searches for heads that do not come, ms. */
const MIN_CHECK_MS = 250;
