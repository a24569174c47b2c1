import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { BindAddress } from './bind-address.js';
import type { OpenSockets } from './open-sockets.js';
import { PooledServer, type ServerLifeOptions } from './pooled-server.js';
import { probeHttp, probeTcp } from './probe.js';
import { type RequestHandler, runHandler } from './run-handler.js';

export interface PooledServerOptions extends ServerLifeOptions {
  /** answers where the server has no listener of its own */
  handler?: RequestHandler | undefined;
  /** path that a health check asks for over HTTP; default: a TCP connection is enough */
  healthPath?: string | undefined;
}

/** An HTTP server with a life. Requests under way when it stops have the grace to end; idle connections end at once. */
export class PooledHttpServer extends PooledServer {
  /** answers where neither the server nor its `handler` does; a pool sets it (checklist D8) */
  sharedHandler: RequestHandler | undefined;
  /** told what handlers throw */
  onHandlerError: ((error: unknown) => void) | undefined;
  private hasHandler = false;

  constructor(
    name: string,
    address: BindAddress,
    override readonly server: Server,
    override readonly options: PooledServerOptions = {},
  ) {
    super(name, server instanceof TlsServer ? 'https' : 'http', address, server, options);
    server.on('connection', (socket: Socket) => {
      this.took(socket);
    });
  }

  /** TCP, or an HTTP request where it has a `healthPath`, whose answer has to be below 500. */
  probe(timeoutMs: number): Promise<void> {
    const { bind, options, scheme } = this;
    return options.healthPath === undefined
      ? probeTcp(bind, timeoutMs)
      : probeHttp(scheme, bind, options.healthPath, timeoutMs);
  }

  /** Once, and as late as can be: whoever made the server may add listeners until it starts. */
  protected override beforeListen(): void {
    if (this.hasHandler) return;
    this.hasHandler = true;
    if (this.server.listenerCount('request') === 0) {
      this.server.on('request', (request, response) => {
        this.counted += 1;
        runHandler(this.options.handler ?? this.sharedHandler, request, response, (error) =>
          this.onHandlerError?.(error),
        );
      });
    } else if (this.options.requests === undefined) {
      this.server.on('request', () => (this.counted += 1));
    }
  }

  protected runOut(sockets: OpenSockets, graceMs: number): Promise<void> {
    return sockets.runOut(this.server, graceMs);
  }
}
