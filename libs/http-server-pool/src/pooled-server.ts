import type { Server, Socket } from 'node:net';
import { BerthError } from '@berth/errors';
import { type BindAddress, bindKey } from './bind-address.js';
import { boundTo, listen } from './listen.js';
import { OpenSockets } from './open-sockets.js';
import { asError } from './server-pool-error.js';

/** For requests under way when a server stops, ms (checklist D12). */
const STOP_GRACE_MS = 5000;
const BIND_RETRY_MS = 100;

export interface ServerLifeOptions {
  /** address as clients write it; default: from where it listens */
  expose?: string | undefined;
  /** it is in the pool, and never listens */
  disabled?: boolean | undefined;
  /** for requests under way when it stops, ms; default 5000 */
  stopGraceMs?: number | undefined;
  /** how often an address in use is tried, 1 or more; default 1 */
  bindAttempts?: number | undefined;
  /** requests so far (of raw TCP: connections taken), where somebody counts them already; default: counted here */
  requests?: (() => number) | undefined;
}

/** What a server is doing. `failed`: it should run, and does not. */
export type ServerState = 'stopped' | 'starting' | 'running' | 'stopping' | 'failed' | 'disabled';

/**
 * One server with a life, whatever it speaks: it listens when `start` resolves, `stop` ends it within a bound, whatever
 * its clients do, and then it can be started again.
 */
export abstract class PooledServer {
  /** told when a running server ends without `stop` (checklist A8), and nobody brings it back */
  onLost: ((error: Error | undefined) => void) | undefined;
  /** told first when it ends without `stop`; true: it will be brought back */
  keeper: ((error: Error | undefined) => boolean) | undefined;
  /** told when a stop begins: clients that keep connections open may be told to leave */
  onStopping: (() => void) | undefined;
  /** told when a stop has ended everything */
  onStopped: (() => void) | undefined;
  /** why it did not start, or ended; undefined once it listens */
  lastError: Error | undefined;
  /** times that it was started again */
  restarts = 0;
  private sockets = new OpenSockets();
  /** of listeners before this one, whose last answers run out */
  private older: OpenSockets[] = [];
  private bound: BindAddress;
  private startedAtMs: number | undefined;
  private startedTick = 0;
  private starting: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;
  private reopened: (() => void) | undefined;
  private abort = new AbortController();
  private isWanted = false;
  /** requests */
  protected counted = 0;

  constructor(
    readonly name: string,
    /** of its address as clients write it */
    readonly scheme: string,
    address: BindAddress,
    readonly server: Server,
    readonly options: ServerLifeOptions = {},
  ) {
    this.bound = address;
    server.on('error', (error) => {
      if (!this.lost(error)) return;
      server.close();
    });
    server.on('close', () => {
      this.lost(undefined);
    });
  }

  /** With the port that it got; once it has one, it keeps it. */
  get bind(): BindAddress {
    return this.bound;
  }

  /** Its key in a pool. */
  get key(): string {
    return bindKey(this.bound);
  }

  /** 0 before it got one, and for a Unix socket */
  get port(): number {
    return 'path' in this.bound ? 0 : this.bound.port;
  }

  /** Address as clients write it. */
  get expose(): string {
    if (this.options.expose !== undefined) return this.options.expose;
    if ('path' in this.bound) return this.key;
    return `${this.scheme}://${this.bound.host === '' ? 'localhost' : ''}${this.key}`;
  }

  get disabled(): boolean {
    return this.options.disabled === true;
  }

  get running(): boolean {
    return this.startedAtMs !== undefined && this.server.listening;
  }

  /** Whether it was started, and not stopped since. */
  get wanted(): boolean {
    return this.isWanted;
  }

  /** Whether it does not run and is being brought back; {@link onLost} is told if it cannot be. */
  get reviving(): boolean {
    return this.isWanted && this.startedAtMs === undefined && (this.keeper ?? this.starting) !== undefined;
  }

  get state(): ServerState {
    if (this.disabled) return 'disabled';
    if (this.running) return 'running';
    if (this.starting !== undefined) return 'starting';
    if (this.stopping !== undefined) return 'stopping';
    return this.isWanted ? 'failed' : 'stopped';
  }

  /** ms since the epoch; undefined when it does not run */
  get startedAt(): number | undefined {
    return this.startedAtMs;
  }

  /** ms that it listens; 0 when it does not */
  get uptimeMs(): number {
    return this.running ? performance.now() - this.startedTick : 0;
  }

  /** open now */
  get connections(): number {
    return this.older.reduce((sum, { size }) => sum + size, this.sockets.size);
  }

  /** since the process began */
  get requests(): number {
    return this.options.requests?.() ?? this.counted;
  }

  /**
   * Resolves when the server listens; at once when it does, or is disabled. A server that somebody else had listen is
   * taken over.
   *
   * @throws BerthError `BERTH_SERVER_START_FAILED` with the system's reason
   */
  start(): Promise<void> {
    if (this.disabled || this.running) return Promise.resolve();
    this.isWanted = true;
    this.starting ??= this.open().finally(() => (this.starting = undefined));
    return this.starting;
  }

  /**
   * Takes no more connections, lets requests under way end for `graceMs`, then
   * destroys what is left (checklist A6). Idempotent; never rejects.
   */
  stop(graceMs = this.options.stopGraceMs ?? STOP_GRACE_MS): Promise<void> {
    this.isWanted = false;
    if (this.stopping !== undefined) return this.stopping;
    const stopping = this.close(graceMs).finally(() => {
      if (this.stopping === stopping) this.stopping = undefined;
      if (!this.isWanted) this.onStopped?.();
    });
    this.stopping = stopping;
    return stopping;
  }

  /**
   * Listens anew, on the same port. Requests under way end within `graceMs`, while new connections are taken already.
   *
   * @throws as {@link start} does
   */
  async restart(graceMs?: number): Promise<void> {
    await this.starting?.catch(() => undefined);
    void this.stop(graceMs);
    this.restarts += 1;
    await this.start();
  }

  /** Starts one that ended by itself; what is under way on its connections goes on. @throws as {@link start} does */
  async revive(): Promise<void> {
    this.restarts += 1;
    await this.start();
  }

  /** Looks whether it still listens: a listener that was closed tells of it only once its last connection has ended. */
  checkListening(): void {
    if (!this.server.listening) this.lost(undefined);
  }

  /** Ends the attempts to bring it back: it is lost. */
  giveUp(error: Error): void {
    if (!this.isWanted) return;
    this.isWanted = false;
    this.onLost?.(error);
  }

  /**
   * Asks for a sign of life over a real connection.
   *
   * @param timeoutMs above 0
   * @throws Error that says why there is none
   */
  abstract probe(timeoutMs: number): Promise<void>;

  /** Called before each listening. */
  protected beforeListen(): void {
    // Most have nothing to do then.
  }

  /** Has connections end within a grace, ms. */
  protected abstract runOut(sockets: OpenSockets, graceMs: number): Promise<void>;

  /** A connection that counts from now until it is closed. */
  protected took(socket: Socket): void {
    this.sockets.add(socket);
  }

  private async open(): Promise<void> {
    this.beforeListen();
    this.abort = new AbortController();
    const patience = { attempts: this.options.bindAttempts ?? 1, delayMs: BIND_RETRY_MS, signal: this.abort.signal };
    const before = this.stopping;
    // close() has given the port back to the system; its handle is gone by the next turn.
    if (before !== undefined) await new Promise((resolve) => setImmediate(resolve));
    try {
      // One that somebody else had listen is taken over as it is.
      if (this.server.listening) this.bound = boundTo(this.server, this.bound);
      else this.bound = await listen(this.server, this.bound, patience);
      if (!this.isWanted) throw new BerthError('BERTH_SERVER_START_FAILED', 'the server was stopped while it started');
    } catch (thrown) {
      this.lastError = asError(thrown);
      throw thrown;
    }
    this.reopened?.();
    if (this.stopping === before) this.stopping = undefined;
    this.startedAtMs = Date.now();
    this.startedTick = performance.now();
    this.lastError = undefined;
  }

  /** @returns whether it ran until now */
  private lost(fault: Error | undefined): boolean {
    if (this.startedAtMs === undefined || (fault === undefined && this.server.listening)) return false;
    this.startedAtMs = undefined;
    this.lastError = fault ?? new Error('the server ended by itself');
    if (this.keeper?.(fault) === true) return true;
    this.isWanted = false;
    this.onLost?.(fault);
    return true;
  }

  private async close(graceMs: number): Promise<void> {
    this.abort.abort();
    this.startedAtMs = undefined;
    // Without it the port is closed before stop() returns.
    if (this.starting !== undefined) await this.starting.catch(() => undefined);
    this.onStopping?.();
    const { server } = this;
    const ending: Promise<void>[] = [];
    if (server.listening) ending.push(this.closeListener());
    if (this.sockets.size > 0) this.older.push(this.sockets);
    this.sockets = new OpenSockets();
    for (const sockets of this.older) ending.push(this.runOut(sockets, graceMs));
    await Promise.all(ending);
    this.older = this.older.filter(({ size }) => size > 0);
  }

  /** Resolves when the listener is gone, or there is another. */
  private closeListener(): Promise<void> {
    return new Promise((resolve) => {
      // One that listens again meanwhile does not tell of its close.
      this.reopened = resolve;
      this.server.close(() => {
        resolve();
      });
    });
  }
}
