import type { PooledHttpServer } from './pooled-http-server.js';
import type { PooledServer } from './pooled-server.js';
import { PROBE_TIMEOUT_MS, probeServer } from './probe.js';
import type { ServerPool } from './server-pool.js';
import { asError } from './server-pool-error.js';

/** What a watch does about a server. */
export interface WatchEvent<S extends PooledServer = PooledHttpServer> {
  /**
   * `down`: it ended by itself, or did not start; `silent`: it runs and does not answer, several times in a row;
   * `restarted`; `restart-failed`: it will be tried again; `gave-up`: it will not
   */
  kind: 'down' | 'silent' | 'restarted' | 'restart-failed' | 'gave-up';
  server: S;
  /** of the attempts to bring it back, 1 for the first */
  attempt: number;
  /** until the next attempt */
  nextInMs?: number;
  error?: Error;
}

export interface WatchOptions<S extends PooledServer = PooledHttpServer> {
  /** between two rounds of probes, ms; default 10000 */
  everyMs?: number;
  /** for the answer to a probe, ms; default 2000 */
  probeTimeoutMs?: number;
  /** probes that fail in a row before a server is restarted; default 3 */
  failures?: number;
  /** between the first attempt, which comes at once, and the second, ms; doubled each time; default 100 */
  minBackoffMs?: number;
  /** default 30000 */
  maxBackoffMs?: number;
  /** attempts before a server is given up and its `onLost` told; default: without end */
  maxAttempts?: number;
  /** probes at once; default 16 */
  concurrency?: number;
  onEvent?: (event: WatchEvent<S>) => void;
}

interface Watched {
  failures: number;
  attempts: number;
  timer: NodeJS.Timeout | undefined;
  busy: boolean;
}

const DEFAULTS = {
  everyMs: 10_000,
  probeTimeoutMs: PROBE_TIMEOUT_MS,
  failures: 3,
  minBackoffMs: 100,
  maxBackoffMs: 30_000,
  maxAttempts: Number.POSITIVE_INFINITY,
  concurrency: 16,
};

/**
 * Brings the servers of a pool back that end by themselves, could not start, or no longer answer (checklist D13), with
 * a wait that grows from attempt to attempt. Servers that come to the pool are watched, too; those that were stopped
 * are left alone.
 */
export class ServerWatch<S extends PooledServer = PooledHttpServer> {
  private readonly options: typeof DEFAULTS & WatchOptions<S>;
  private readonly watched = new WeakMap<S, Watched>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private ticker: NodeJS.Timeout | undefined;
  private round: Promise<void> | undefined;

  constructor(
    private readonly pool: ServerPool<S>,
    options: WatchOptions<S> = {},
  ) {
    this.options = { ...DEFAULTS, ...options };
  }

  start(): void {
    if (this.ticker !== undefined) return;
    for (const server of this.pool) this.attach(server);
    this.pool.onStored = (server) => {
      this.attach(server);
    };
    this.ticker = setInterval(() => void this.look(), this.options.everyMs);
    this.ticker.unref();
  }

  /** Ends all attempts; servers that are down stay down. */
  stop(): void {
    clearInterval(this.ticker);
    this.ticker = undefined;
    this.pool.onStored = undefined;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    for (const server of this.pool) server.keeper = undefined;
  }

  /** One round of probes; while one is under way, that one. */
  look(): Promise<void> {
    this.round ??= this.probeAll().finally(() => (this.round = undefined));
    return this.round;
  }

  private attach(server: S): void {
    server.keeper = (fault) => {
      if (!this.isWatching(server)) return false;
      this.report('down', server, fault);
      this.schedule(server);
      return true;
    };
  }

  private isWatching(server: S): boolean {
    return this.ticker !== undefined && this.pool.includes(server);
  }

  private async probeAll(): Promise<void> {
    const servers = [...this.pool].filter(({ wanted, disabled }) => wanted && !disabled).values();
    const worker = async (): Promise<void> => {
      for (const server of servers) await this.probe(server);
    };
    await Promise.all(Array.from({ length: this.options.concurrency }, worker));
  }

  private async probe(server: S): Promise<void> {
    const state = this.stateOf(server);
    if (state.timer !== undefined || state.busy || server.state === 'starting') return;
    if (!runs(server)) {
      this.report('down', server, server.lastError);
      this.schedule(server);
      return;
    }
    const { outcome, reason } = await probeServer(server, this.options.probeTimeoutMs);
    if (outcome === 'unknown' || !runs(server)) return;
    if (outcome === 'ok') {
      state.failures = 0;
      state.attempts = 0;
      return;
    }
    state.failures += 1;
    if (state.failures < this.options.failures) return;
    this.report('silent', server, new Error(reason));
    this.schedule(server);
  }

  /** The first attempt comes at once. One that comes back and dies again waits as if it had not: a probe makes good. */
  private schedule(server: S): void {
    const state = this.stateOf(server);
    if (state.timer !== undefined || state.busy) return;
    const waitMs = this.backoffMs(state.attempts);
    state.timer = setTimeout(() => {
      if (state.timer !== undefined) this.timers.delete(state.timer);
      state.timer = undefined;
      void this.bringBack(server, state);
    }, waitMs);
    this.timers.add(state.timer);
  }

  private async bringBack(server: S, state: Watched): Promise<void> {
    if (!isWanted(server) || !this.isWatching(server)) return;
    state.busy = true;
    state.attempts += 1;
    state.failures = 0;
    try {
      await (server.running ? server.restart() : server.revive());
      state.busy = false;
      this.report('restarted', server);
    } catch (thrown) {
      state.busy = false;
      const error = asError(thrown);
      if (!isWanted(server)) return;
      if (state.attempts < this.options.maxAttempts) {
        this.report('restart-failed', server, error, this.backoffMs(state.attempts));
        this.schedule(server);
        return;
      }
      this.report('gave-up', server, error);
      state.attempts = 0;
      server.giveUp(error);
    }
  }

  private backoffMs(attempts: number): number {
    const { minBackoffMs, maxBackoffMs } = this.options;
    return attempts === 0 ? 0 : Math.min(maxBackoffMs, minBackoffMs * 2 ** (attempts - 1));
  }

  private stateOf(server: S): Watched {
    let state = this.watched.get(server);
    if (state === undefined) {
      state = { failures: 0, attempts: 0, timer: undefined, busy: false };
      this.watched.set(server, state);
    }
    return state;
  }

  private report(kind: WatchEvent['kind'], server: S, error?: Error, nextInMs?: number): void {
    const { attempts: attempt } = this.stateOf(server);
    this.options.onEvent?.({
      kind,
      server,
      attempt,
      ...(error === undefined ? {} : { error }),
      ...(nextInMs === undefined ? {} : { nextInMs }),
    });
  }
}

// Both change while something is awaited, which the type of a property does not tell.
function runs({ running }: PooledServer): boolean {
  return running;
}

function isWanted({ wanted }: PooledServer): boolean {
  return wanted;
}
