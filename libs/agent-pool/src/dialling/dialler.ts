import { BerthError, messageOf } from '@berth/errors';
import type { AgentPool } from '../agent-pool.js';
import type { PoolConnection } from '../pool-connection.js';

export interface DiallerOptions {
  /** how many it keeps */
  connections: number;
  /** for one attempt, ms */
  connectTimeoutMs: number;
  /** ceiling of the first wait after a failure, ms; it doubles with each in a row */
  minWaitMs: number;
  /** ceiling of all waits, ms */
  maxWaitMs: number;
  /** failures in a row after which it gives up, until `redial`; Infinity: never */
  maxAttempts: number;
  /** 0 … 1 without 1 */
  random: () => number;
}

/** As in checklist C1. */
export const DIALLER_DEFAULTS: Readonly<DiallerOptions> = {
  connections: 4,
  connectTimeoutMs: 5000,
  minWaitMs: 500,
  maxWaitMs: 5000,
  maxAttempts: 3,
  random: Math.random,
};

/** What the pool opened itself it can close as well. */
export interface DialledConnection extends PoolConnection {
  close(): void;
}

/**
 * Keeps connections of a pool that the pool's side opens (checklist C3, C4,
 * C13): one attempt at a time, with a wait after each failure that grows until
 * one succeeds. Those that have dialled in are none of its business.
 */
export class Dialler<C extends DialledConnection> {
  private readonly options: Readonly<DiallerOptions>;
  private readonly dialled = new Set<C>();
  private failures = 0;
  private isDialling = false;
  private timer: NodeJS.Timeout | undefined;
  private attempt: AbortController | undefined;
  private stopped = false;
  /** of the last failure, for people; empty after a success */
  problem = '';

  /**
   * @param dial opens one connection, ready for exchanges; to be given up when the signal says so
   */
  constructor(
    private readonly pool: AgentPool<C>,
    private readonly dial: (signal: AbortSignal) => Promise<C>,
    options: Partial<DiallerOptions> = {},
  ) {
    this.options = { ...DIALLER_DEFAULTS, ...options };
  }

  /** Connections of its own that are in the pool. */
  get count(): number {
    return this.dialled.size;
  }

  /** It has failed too often, and tries no more by itself. */
  get gaveUp(): boolean {
    return this.failures >= this.options.maxAttempts;
  }

  /**
   * Dials as many as it keeps. Some may fail, and are tried again in the background.
   *
   * @throws BerthError `BERTH_AGENT_UNAVAILABLE` when none succeeded
   */
  async start(): Promise<void> {
    this.isDialling = true;
    for (let i = 0; i < this.options.connections && !this.stopped; i += 1) await this.dialOne();
    this.isDialling = false;
    if (this.dialled.size === 0) {
      this.stop();
      const what = `Failed to create any connections to agent ${this.pool.agentId}`;
      throw new BerthError('BERTH_AGENT_UNAVAILABLE', this.problem === '' ? what : `${what}: ${this.problem}`);
    }
    // What failed in this round has been tried once.
    this.failures = Math.min(this.failures, 1);
    this.schedule();
  }

  /**
   * To be called when a connection of the pool has ended; takes it out.
   *
   * @returns false for one that it has not dialled, which it leaves alone
   */
  lost(connection: C): boolean {
    if (!this.dialled.delete(connection)) return false;
    this.pool.remove(connection);
    this.schedule();
    return true;
  }

  /** Tries again at once, also after it gave up. */
  redial(): void {
    this.failures = 0;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.schedule();
  }

  /** Ends the attempt under way, and closes what it has dialled. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.attempt?.abort();
    for (const connection of this.dialled) {
      this.pool.remove(connection);
      connection.close();
    }
    this.dialled.clear();
  }

  private schedule(): void {
    const { connections, minWaitMs, maxWaitMs, random } = this.options;
    const isComplete = this.dialled.size >= connections;
    if (this.stopped || this.isDialling || this.timer !== undefined || isComplete || this.gaveUp) return;
    const ceiling = this.failures === 0 ? 0 : Math.min(maxWaitMs, minWaitMs * 2 ** (this.failures - 1));
    this.timer = setTimeout(() => void this.next(), Math.round(ceiling * random()));
    this.timer.unref();
  }

  private async next(): Promise<void> {
    this.timer = undefined;
    this.isDialling = true;
    await this.dialOne();
    this.isDialling = false;
    this.schedule();
  }

  private async dialOne(): Promise<void> {
    const attempt = new AbortController();
    this.attempt = attempt;
    const { connectTimeoutMs } = this.options;
    const late = setTimeout(() => {
      attempt.abort(new Error(`not connected within ${connectTimeoutMs} ms`));
    }, connectTimeoutMs);
    late.unref();
    try {
      this.take(await settled(this.dial(attempt.signal), attempt.signal));
    } catch (thrown) {
      this.failures += 1;
      this.problem = messageOf(thrown);
    } finally {
      clearTimeout(late);
    }
  }

  private take(connection: C): void {
    this.failures = 0;
    this.problem = '';
    this.dialled.add(connection);
    this.pool.add(connection);
  }
}

/** As the attempt ends, or as its signal does; a connection that comes after that is closed. */
function settled<C extends DialledConnection>(dialling: Promise<C>, signal: AbortSignal): Promise<C> {
  const { promise, resolve, reject } = Promise.withResolvers<C>();
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  dialling.then((connection) => {
    if (signal.aborted) connection.close();
    else resolve(connection);
  }, reject);
  return promise;
}
