import { setImmediate as soon } from 'node:timers/promises';
import { messageOf } from '@berth/errors';
import type { Log } from '@berth/observability';
import type { ServerCredentials } from '@grpc/grpc-js';
import { ServerError } from '../errors.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import { GrpcListener } from './grpc-listener.js';
import { HealthService } from './health-service.js';
import { OprcService } from './oprc-service.js';
import { addReflection } from './reflection.js';
import type { ServerInfo, ServerLifecycle, StartServerOptions, StopServerOptions } from './server-lifecycle.js';
import {
  checkPort,
  checkStopTimeout,
  type FunctionServerOptions,
  type ServerSettings,
  serverSettings,
} from './server-options.js';
import { serverCredentials, tlsMode } from './server-tls.js';
import { StreamGuard } from './stream-guard.js';

const DEFAULT_PORT = 8080;
/** How long clients may take at least to read their last replies and go, ms. */
const LEAVE_MS = 1000;

interface Running {
  readonly listener: GrpcListener;
  readonly oprc: OprcService;
  readonly health: HealthService;
  readonly guard: StreamGuard;
  readonly port: number;
}

/**
 * The gRPC function server (checklist B1 to B4, B13): `oprc.OprcFunction`,
 * health and reflection on one port.
 *
 * Starts, stops and restarts happen one after the other in the order of their
 * calls: a start during a start finds it running, a stop during a start stops
 * it, a second stop finds it stopped.
 */
export class FunctionServer implements ServerLifecycle {
  private readonly settings: ServerSettings;
  private current: Running | undefined;
  private stopping = false;
  private lastPort = DEFAULT_PORT;
  private lastHost: string;
  private last: Promise<void> = Promise.resolve();

  /** @throws ServerError `BERTH_SERVICE_INVALID` naming an option that is out of range */
  constructor(
    private readonly handler: InvocationHandler,
    options: FunctionServerOptions,
    private readonly log: Log,
  ) {
    this.settings = serverSettings(options);
    this.lastHost = this.settings.host;
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
      checkPort(port);
      await this.open(port, host, await serverCredentials(this.settings.tls));
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
      await this.shut(this.current, timeoutMs);
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
      const next = port ?? this.lastPort;
      checkPort(next);
      const credentials = await serverCredentials(this.settings.tls);
      if (this.current !== undefined) await this.shut(this.current, this.settings.stopTimeoutMs);
      await this.open(next, host ?? this.lastHost, credentials);
    });
  }

  isRunning(): boolean {
    return this.current !== undefined && !this.stopping;
  }

  info(): ServerInfo {
    const running = this.isRunning();
    return { running, port: running ? this.current?.port : undefined, mode: tlsMode(this.settings.tls) };
  }

  private inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.last.then(step);
    this.last = done.catch(() => undefined);
    return done;
  }

  private async open(port: number, host: string, credentials: ServerCredentials): Promise<void> {
    const { settings } = this;
    const guard = new StreamGuard(settings);
    const listener = new GrpcListener(settings, credentials, guard, this.log);
    const oprc = new OprcService(this.handler, settings, guard, this.log);
    const health = new HealthService(['oprc.OprcFunction']);
    // Services first, then the port: a client must never meet a server that does not know them yet.
    oprc.addTo(listener.server);
    if (settings.health) health.addTo(listener.server);
    if (settings.reflection) addReflection(listener.server, settings.health);
    try {
      const bound = await listener.listen(port, host);
      this.current = { listener, oprc, health, guard, port: bound };
      this.lastPort = bound;
      this.lastHost = host;
      this.log.info({ host, port: bound, mode: tlsMode(settings.tls) }, 'function server listens');
    } catch (thrown) {
      listener.destroy();
      throw listenError(port, host, thrown);
    }
  }

  private async shut(running: Running, timeoutMs: number): Promise<void> {
    const { listener, oprc, health, guard } = running;
    this.stopping = true;
    health.set('NOT_SERVING');
    oprc.stop();
    const drained = listener.drain();
    const deadline = performance.now() + timeoutMs;
    if (!(await within(timeoutMs, oprc.admission.whenIdle()))) {
      const { counts } = oprc.admission;
      this.log.warn({ ...counts, timeoutMs }, 'function server cuts off calls that did not end in time');
      oprc.cutOff();
    }
    // What is left are watchers, unfinished requests, and replies on their way.
    health.close();
    await soon();
    guard.refuseIdle();
    await within(Math.max(deadline - performance.now(), LEAVE_MS), drained);
    listener.destroy();
    guard.close();
    this.current = undefined;
    this.stopping = false;
    this.log.info({ port: running.port }, 'function server stopped');
  }
}

/** @returns whether it came in time */
async function within(timeoutMs: number, event: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  try {
    return await Promise.race([event.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function listenError(port: number, host: string, thrown: unknown): ServerError {
  const { code } = thrown as NodeJS.ErrnoException;
  const advice: Record<string, string> = {
    EADDRINUSE: `port ${port} is taken: stop what listens on it, or choose another port (0: any free one)`,
    EACCES: `port ${port} may not be used by this user: choose one above 1023`,
    EADDRNOTAVAIL: `host ${host} is no address of this machine: choose another host`,
    ENOTFOUND: `host ${host} is not known: choose an address of this machine`,
  };
  const what = (code === undefined ? undefined : advice[code]) ?? messageOf(thrown);
  return new ServerError(
    'BERTH_FUNCTION_SERVER_FAILED',
    `gRPC server cannot listen on ${host}:${port}: ${what}`,
    { host, port },
    { cause: thrown },
  );
}
