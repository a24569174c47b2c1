import type { Log } from '@berth/observability';
import { LocalTransport } from '../client/local-transport.js';
import { ServerError } from '../errors.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import { GrpcServer } from './grpc-server.js';
import {
  checkPort,
  checkStopTimeout,
  type FunctionServerOptions,
  type ServerSettings,
  serverSettings,
} from './server-options.js';
import { serverCredentials, tlsMode } from './server-tls.js';

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

/** What listens; in mock mode nothing does (checklist B15). */
interface Running {
  readonly port: number;
  stop(timeoutMs: number): Promise<void>;
}

/**
 * The function server (checklist B1 to B4, B13) and its callers in this process,
 * who reach it without a socket: a stop lets their calls end like those that came
 * over the wire, a restart takes nothing from them.
 *
 * Starts, stops and restarts happen one after the other in the order of their
 * calls: a start during a start finds it running, a stop during a start stops
 * it, a second stop finds it stopped.
 */
export class FunctionServer {
  /** how clients in this process call it */
  readonly local: LocalTransport;
  private readonly settings: ServerSettings;
  private current: Running | undefined;
  private stopping = false;
  private lastPort = DEFAULT_PORT;
  private lastHost: string;
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
    this.lastHost = this.settings.host;
    this.local = new LocalTransport(handler, () => this.isRunning());
  }

  /**
   * Resolves when it listens (checklist B1).
   *
   * @throws ServerError `BERTH_FUNCTION_SERVER_RUNNING`; `BERTH_FUNCTION_SERVER_FAILED`
   *   when the port or a TLS file cannot be used, and it does not run then
   */
  start({ port = DEFAULT_PORT, host = this.settings.host }: StartServerOptions = {}): Promise<void> {
    return this.inTurn(async () => {
      if (this.current !== undefined)
        throw new ServerError('BERTH_FUNCTION_SERVER_RUNNING', 'gRPC server is already running');
      const open = await this.prepare(port, host);
      await open();
    });
  }

  /**
   * Refuses new calls, lets those that were admitted end, and cuts them off
   * after `timeoutMs` (checklist B2). Callers of calls that were cut get
   * UNAVAILABLE, and the signals of their methods are aborted.
   *
   * @throws ServerError `BERTH_FUNCTION_SERVER_NOT_RUNNING`; `BERTH_SERVICE_INVALID` `timeoutMs` is out of its range
   */
  stop({ timeoutMs = this.settings.stopTimeoutMs }: StopServerOptions = {}): Promise<void> {
    return this.inTurn(async () => {
      checkStopTimeout(timeoutMs);
      if (this.current === undefined)
        throw new ServerError('BERTH_FUNCTION_SERVER_NOT_RUNNING', 'gRPC server is not running');
      await this.drain(this.current, timeoutMs);
    });
  }

  /** Stops it if it runs, or once it has started. */
  close(): Promise<void> {
    return this.inTurn(async () => {
      if (this.current !== undefined) await this.drain(this.current, this.settings.stopTimeoutMs);
    });
  }

  /**
   * Stops, if it runs, and starts on the given port and host, or the last ones
   * it listened on, or 8080 (checklist B4). What can be checked is checked before it stops.
   *
   * @throws ServerError `BERTH_FUNCTION_SERVER_FAILED`; it runs on when the port
   *   is out of range or a TLS file cannot be used, and not when the port is taken
   */
  restart({ port, host }: StartServerOptions = {}): Promise<void> {
    return this.inTurn(async () => {
      const open = await this.prepare(port ?? this.lastPort, host ?? this.lastHost);
      if (this.current !== undefined) await this.shut(this.current, this.settings.stopTimeoutMs);
      await open();
    });
  }

  /** No call may come in once a stop has begun. */
  isRunning(): boolean {
    return this.current !== undefined && !this.stopping;
  }

  info(): ServerInfo {
    const running = this.isRunning();
    const mode = this.mock ? 'mock' : tlsMode(this.settings.tls);
    return { running, port: running ? this.current?.port : undefined, mode };
  }

  private inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.last.then(step);
    this.last = done.catch(() => undefined);
    return done;
  }

  /** @returns what opens it, once all has been checked that can be before that */
  private async prepare(port: number, host: string): Promise<() => Promise<void>> {
    checkPort(port);
    const credentials = this.mock ? undefined : await serverCredentials(this.settings.tls);
    return async () => {
      if (credentials === undefined) {
        this.current = { port: port === 0 ? DEFAULT_PORT : port, stop: () => Promise.resolve() };
      } else {
        const server = new GrpcServer(this.handler, this.settings, credentials, this.log);
        const bound = await server.listen(port, host);
        this.current = { port: bound, stop: (timeoutMs) => server.stop(timeoutMs) };
        this.log.info({ host, port: bound, mode: tlsMode(this.settings.tls) }, 'function server listens');
      }
      this.lastPort = this.current.port;
      this.lastHost = host;
    };
  }

  private async drain(running: Running, timeoutMs: number): Promise<void> {
    await Promise.all([this.shut(running, timeoutMs), this.local.drain(timeoutMs)]);
  }

  private async shut(running: Running, timeoutMs: number): Promise<void> {
    this.stopping = true;
    await running.stop(timeoutMs);
    this.current = undefined;
    this.stopping = false;
    if (!this.mock) this.log.info({ port: running.port }, 'function server stopped');
  }
}
