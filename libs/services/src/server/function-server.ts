import type { Log } from '@berth/observability';
import { LocalTransport } from '../client/local-transport.js';
import { ServerError } from '../errors.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import { GrpcServer } from './grpc-server.js';
import {
  checkHost,
  checkPort,
  checkStopTimeout,
  type FunctionServerOptions,
  type ServerSettings,
  serverSettings,
} from './server-options.js';
import { tlsOptions } from './server-tls.js';

const DEFAULT_PORT = 8080;

/** How a function server is started (checklist B1). */
export interface StartServerOptions {
  /** 0..65535, 0: any free one; default 8080, at a restart the last one (B4) */
  readonly port?: number | undefined;
  /** address to listen on; default: the server's `host` option, at a restart the last one */
  readonly host?: string | undefined;
}

export interface StopServerOptions {
  /** how long running calls may still take, ms, 0..2^31-1; default: the server's `stopTimeoutMs` */
  readonly timeoutMs?: number | undefined;
}

/** What a function server says of itself (checklist B3). */
export interface ServerInfo {
  readonly running: boolean;
  /** the one it listens on; `undefined` when it does not run */
  readonly port: number | undefined;
  readonly mode: 'plaintext' | 'tls' | 'mutual-tls' | 'mock';
}

/**
 * The function server (checklist B1 to B4, B13) and its callers in this process,
 * who reach it without a socket: a stop lets their calls end like those that came
 * over the wire, a restart takes nothing from them. Starts, stops and restarts
 * happen one after the other in the order of their calls.
 */
export class FunctionServer {
  /** how clients in this process call it */
  readonly local: LocalTransport;
  private readonly settings: ServerSettings;
  private running = false;
  /** of the server that runs; in mock mode there is none (checklist B15) */
  private server: GrpcServer | undefined;
  private port = DEFAULT_PORT;
  private host: string;
  private last: Promise<void> = Promise.resolve();

  /**
   * @param mock it has no socket; its port is the one that it was given, or 8080 for any free one
   * @throws ServerError `BERTH_SERVICE_INVALID` naming an option that is out of range
   */
  constructor(
    private readonly handler: InvocationHandler,
    options: FunctionServerOptions,
    private readonly log: Log,
    private readonly mock = false,
  ) {
    this.settings = serverSettings(options);
    this.host = this.settings.host;
    this.local = new LocalTransport(handler, () => this.running);
  }

  /**
   * Resolves when it listens (checklist B1).
   *
   * @throws ServerError `BERTH_FUNCTION_SERVER_RUNNING`; `BERTH_FUNCTION_SERVER_FAILED` the port or a TLS file
   *   cannot be used, `BERTH_SERVICE_INVALID` the host is empty, and it does not run
   */
  start({ port = DEFAULT_PORT, host = this.settings.host }: StartServerOptions = {}): Promise<void> {
    return this.inTurn(async () => {
      if (this.running) throw new ServerError('BERTH_FUNCTION_SERVER_RUNNING', 'gRPC server is already running');
      await this.listen(this.prepare(port, host), port, host);
    });
  }

  /**
   * Refuses new calls, lets those that were admitted end, and cuts them off after `timeoutMs` (checklist B2).
   *
   * @throws ServerError `BERTH_FUNCTION_SERVER_NOT_RUNNING`; `BERTH_SERVICE_INVALID` `timeoutMs` is out of its range
   */
  stop({ timeoutMs = this.settings.stopTimeoutMs }: StopServerOptions = {}): Promise<void> {
    return this.inTurn(async () => {
      checkStopTimeout(timeoutMs);
      if (!this.running) throw new ServerError('BERTH_FUNCTION_SERVER_NOT_RUNNING', 'gRPC server is not running');
      await this.drain(timeoutMs);
    });
  }

  /** Stops it if it runs, or once it has started. */
  close(): Promise<void> {
    return this.inTurn(async () => {
      if (this.running) await this.drain(this.settings.stopTimeoutMs);
    });
  }

  /**
   * Stops, if it runs, and starts on the given port and host, or the last ones, or 8080 (checklist B4).
   *
   * @throws ServerError `BERTH_FUNCTION_SERVER_FAILED`: it runs on when the port is out of range or a TLS file cannot
   *   be used, and not when the port is taken; `BERTH_SERVICE_INVALID` the host is empty: it runs on
   */
  restart({ port, host }: StartServerOptions = {}): Promise<void> {
    return this.inTurn(async () => {
      const [atPort, atHost] = [port ?? this.port, host ?? this.host];
      const next = this.prepare(atPort, atHost);
      if (this.running) await this.shut(this.settings.stopTimeoutMs);
      await this.listen(next, atPort, atHost);
    });
  }

  /** No call may come in once a stop has begun. */
  isRunning(): boolean {
    return this.running;
  }

  info(): ServerInfo {
    return { running: this.running, port: this.running ? this.port : undefined, mode: this.mode };
  }

  private get mode(): ServerInfo['mode'] {
    if (this.mock) return 'mock';
    const { tls } = this.settings;
    if (tls === undefined) return 'plaintext';
    return tls.clientCaFile === undefined ? 'tls' : 'mutual-tls';
  }

  private inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.last.then(step);
    this.last = done.catch(() => undefined);
    return done;
  }

  /** What is to listen, once all has been checked that can be before that. */
  private prepare(port: number, host: string): GrpcServer | undefined {
    checkPort(port);
    checkHost(host);
    if (this.mock) return undefined;
    const { tls } = this.settings;
    return new GrpcServer(this.handler, this.settings, tls && tlsOptions(tls), this.log);
  }

  private async listen(server: GrpcServer | undefined, port: number, host: string): Promise<void> {
    this.port = (await server?.listen(port, host)) ?? (port === 0 ? DEFAULT_PORT : port);
    this.host = host;
    this.server = server;
    this.running = true;
    if (!this.mock) this.log.info({ host, port: this.port, mode: this.mode }, 'function server listens');
  }

  private async drain(timeoutMs: number): Promise<void> {
    await Promise.all([this.shut(timeoutMs), this.local.desk.drain(timeoutMs)]);
  }

  /** Calls of this process go on, and more come in when it is started again. */
  private async shut(timeoutMs: number): Promise<void> {
    this.running = false;
    await this.server?.stop(timeoutMs);
    this.server = undefined;
    if (!this.mock) this.log.info({ port: this.port }, 'function server stopped');
  }
}
