import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Express, NextFunction, Request, Response } from 'express';
import { acceptAllVersions } from './minor-versions.js';
import { type BindAddress, PooledHttpServer } from './pooled-http-server.js';

/** Takes what arrives at an agent's port. */
export interface AgentTraffic {
  request(request: IncomingMessage, response: ServerResponse): void;
  /** whether a request with `Upgrade` goes to {@link upgrade}; with false, {@link request} follows, and must be the last */
  upgrades(request: IncomingMessage): boolean;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** a connection has been accepted */
  connection(socket: Duplex): void;
  /** bytes that are not HTTP, or beyond a limit; answers and closes */
  clientError(error: Error, socket: Duplex): void;
  /** a request that the adapter's own middleware failed on */
  failed(error: unknown, request: IncomingMessage, response: ServerResponse): void;
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
  /** origins for CORS; none: CORS stays with the local service */
  corsOrigins: readonly string[];
}

/** Makes the HTTP server of one agent: an Express adapter of its own, with nothing of Express left on but routing. */
export class AgentHttpServerFactory {
  constructor(private readonly options: AgentServerOptions) {}

  create(name: string, bind: BindAddress, traffic: AgentTraffic): PooledHttpServer {
    const adapter = new ExpressAdapter();
    const app = adapter.getInstance<Express>();
    app.disable('x-powered-by');
    app.disable('etag');
    if (this.options.corsOrigins.length > 0) adapter.enableCors({ origin: [...this.options.corsOrigins] });
    app.use((request: Request, response: Response) => traffic.request(request, response));
    app.use((error: unknown, request: Request, response: Response, _next: NextFunction) =>
      traffic.failed(error, request, response),
    );
    const server = this.listener(app, traffic);
    adapter.setHttpServer(server);
    return new PooledHttpServer(name, bind, server);
  }

  private listener(app: Express, traffic: AgentTraffic): Server {
    const { options } = this;
    // Express's own handling costs a fifth of the gateway's time per request; without
    // middleware there is nothing for it to do. See docs/decisions/0009-express-on-demand.md.
    const handle =
      options.corsOrigins.length > 0
        ? (request: IncomingMessage, response: ServerResponse): void => {
            app(request, response);
          }
        : (request: IncomingMessage, response: ServerResponse): void => {
            traffic.request(request, response);
          };
    const server = createServer(
      {
        maxHeaderSize: options.maxHeaderBytes,
        headersTimeout: options.headersTimeoutMs,
        // Node looks every 30 s otherwise, whatever the timeout.
        connectionsCheckingInterval: Math.max(MIN_CHECK_MS, options.headersTimeoutMs / 2),
        keepAliveTimeout: options.keepAliveTimeoutMs,
        // Uploads take as long as they take; the relay has an idle timeout.
        requestTimeout: 0,
        // The ingress asks for it, and answers in its own form.
        requireHostHeader: false,
        shouldUpgradeCallback: (request) => traffic.upgrades(request),
      },
      handle,
    );
    acceptAllVersions(server);
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
    server.on('connection', (socket: Duplex) => {
      traffic.connection(socket);
    });
    server.on('clientError', (error: Error, socket: Duplex) => {
      traffic.clientError(error, socket);
    });
    return server;
  }
}

/** Shortest time between two searches for heads that do not come, ms. */
const MIN_CHECK_MS = 250;
