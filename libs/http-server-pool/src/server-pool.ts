import { isAutomatic, keyOf } from './bind-address.js';
import { fieldOf, matcher, type ServerField, type ServerMatch } from './matching.js';
import { monitorName, reportOn, type ServerReport } from './monitor.js';
import type { PooledHttpServer } from './pooled-http-server.js';
import type { PooledServer } from './pooled-server.js';
import { asError, ServerPoolError, type ServerPoolErrorCode } from './server-pool-error.js';

/** Probes at a time: each needs a descriptor, or two. */
const MAX_PROBES = 64;

/** @returns false to end the walk */
export type VisitServer<S extends PooledServer = PooledHttpServer> = (server: S, bind: string) => unknown;

/**
 * Servers of one kind keyed by where they listen, as one thing: looked up, started, stopped and watched together. Addresses
 * are given as people write them (`parseBind`). A server whose port the system chooses has its key when it listens.
 */
export class ServerPool<S extends PooledServer> implements Iterable<S> {
  private readonly byKey = new Map<string, S>();
  /** those that do not know their port yet */
  private readonly unsettled = new Set<S>();
  /** told of each server that is stored */
  onStored: ((server: S) => void) | undefined;

  get size(): number {
    return this.byKey.size + this.unsettled.size;
  }

  *[Symbol.iterator](): Iterator<S> {
    this.settle();
    yield* [...this.byKey.values(), ...this.unsettled];
  }

  /**
   * Puts a server in, in place of the one at its address.
   *
   * @returns the one that it replaces, which goes on as it is
   */
  store(server: S): S | undefined {
    this.settle();
    const replaced = this.byKey.get(server.key);
    if (isAutomatic(server.bind)) this.unsettled.add(server);
    else this.byKey.set(server.key, server);
    this.onStored?.(server);
    return replaced === server ? undefined : replaced;
  }

  load(bind: string): S | undefined {
    this.settle();
    const key = keyOf(bind);
    return this.byKey.get(key) ?? [...this.unsettled].find((server) => server.key === key);
  }

  has(bind: string): boolean {
    return this.load(bind) !== undefined;
  }

  /** Whether it is that very server that is in. */
  includes(server: S): boolean {
    this.settle();
    return this.unsettled.has(server) || this.byKey.get(server.key) === server;
  }

  /**
   * Takes a server out, without stopping it: the one at an address, or that very one.
   *
   * @returns whether it was in
   */
  delete(which: string | S): boolean {
    const server = typeof which === 'string' ? this.load(which) : which;
    if (server === undefined) return false;
    this.settle();
    if (this.unsettled.delete(server)) return true;
    return this.byKey.get(server.key) === server && this.byKey.delete(server.key);
  }

  /** @returns the server that it took out */
  loadAndDelete(bind: string): S | undefined {
    const server = this.load(bind);
    if (server !== undefined) this.delete(server);
    return server;
  }

  /** Takes all out, without stopping any. */
  clean(): void {
    this.byKey.clear();
    this.unsettled.clear();
  }

  /** @returns whether it came to the end */
  walk(visit: VisitServer<S>): boolean {
    for (const server of this) if (visit(server, server.key) === false) return false;
    return true;
  }

  /**
   * Visits the servers at those addresses, in that order; an address without one is passed over.
   *
   * @returns whether it came to the end
   */
  walkLimit(visit: VisitServer<S>, ...binds: string[]): boolean {
    for (const bind of binds) {
      const server = this.load(bind);
      if (server !== undefined && visit(server, server.key) === false) return false;
    }
    return true;
  }

  /**
   * The servers that match, in a pool of its own: they are the same servers.
   *
   * @throws BerthError as `matcher` does
   */
  filter(field: ServerField, match: ServerMatch): ServerPool<S> {
    const matches = matcher(match);
    return this.where((server) => matches(fieldOf(server, field)));
  }

  /**
   * One field of the servers that match by another.
   *
   * @throws BerthError as `matcher` does
   */
  list(field: ServerField, returned: ServerField, match: ServerMatch): string[] {
    return [...this.filter(field, match)].map((server) => fieldOf(server, returned));
  }

  /** A pool of its own with the same servers. */
  clone(): ServerPool<S> {
    return this.where(() => true);
  }

  /**
   * Puts the servers of another pool in, in place of those at their addresses.
   *
   * @returns those that were replaced, which go on as they are
   */
  merge(other: ServerPool<S>): S[] {
    return [...other].map((server) => this.store(server)).filter((replaced) => replaced !== undefined);
  }

  /**
   * Starts all at once, and goes on past those that fail; those that run already, or are disabled, are left as they are.
   *
   * @throws ServerPoolError `BERTH_SERVER_POOL_START_FAILED` naming each that did not start
   */
  start(): Promise<void> {
    return this.all('BERTH_SERVER_POOL_START_FAILED', 'could not be started', (server) => server.start());
  }

  /**
   * Stops all at once, and waits for every one, whatever one of them does (checklist A7). They stay in the pool.
   *
   * @param graceMs for requests under way, ms; default: each server's own, 5000
   * @throws ServerPoolError `BERTH_SERVER_POOL_STOP_FAILED` naming each that did not stop in order
   */
  stop(graceMs?: number): Promise<void> {
    return this.all('BERTH_SERVER_POOL_STOP_FAILED', 'could not be stopped', (server) => server.stop(graceMs));
  }

  /**
   * Restarts all at once; ports stay what they are.
   *
   * @throws ServerPoolError `BERTH_SERVER_POOL_RESTART_FAILED` naming each that does not listen now
   */
  restart(graceMs?: number): Promise<void> {
    return this.all('BERTH_SERVER_POOL_RESTART_FAILED', 'could not be restarted', (server) => server.restart(graceMs));
  }

  /** Whether any of them runs. */
  get isRunning(): boolean {
    return [...this].some(({ running }) => running);
  }

  /** How long the one has run that has run longest, ms; 0 when none does. */
  get uptimeMs(): number {
    return Math.max(0, ...[...this].map(({ uptimeMs }) => uptimeMs));
  }

  monitorNames(): string[] {
    return [...this].map(monitorName);
  }

  /**
   * Asks every server how it is, over a real connection, up to 64 at a time. Never rejects.
   *
   * @param probeTimeoutMs above 0, default 2000
   */
  async monitor(probeTimeoutMs?: number): Promise<ServerReport[]> {
    const servers = [...this];
    const reports: ServerReport[] = [];
    const left = servers.entries();
    const worker = async (): Promise<void> => {
      for (const [place, server] of left) reports[place] = await reportOn(server, probeTimeoutMs);
    };
    await Promise.all(Array.from({ length: Math.min(MAX_PROBES, servers.length) }, worker));
    return reports;
  }

  /**
   * The same for who only wants to know of what is wrong.
   *
   * @throws ServerPoolError `BERTH_SERVER_POOL_MONITOR_FAILED` naming each that is not healthy
   */
  async assertHealthy(probeTimeoutMs?: number): Promise<ServerReport[]> {
    const reports = await this.monitor(probeTimeoutMs);
    const failures = reports
      .filter(({ healthy }) => !healthy)
      .map(({ name, bind, reason = '' }) => ({ name, bind, error: new Error(reason) }));
    if (failures.length === 0) return reports;
    throw new ServerPoolError('BERTH_SERVER_POOL_MONITOR_FAILED', 'are not healthy', failures, reports.length);
  }

  private where(isMeant: (server: S) => boolean): ServerPool<S> {
    const pool = new ServerPool<S>();
    for (const server of this) if (isMeant(server)) pool.store(server);
    return pool;
  }

  private async all(code: ServerPoolErrorCode, what: string, act: (server: S) => Promise<void>): Promise<void> {
    const servers = [...this];
    const results = await Promise.allSettled(servers.map(async (server) => act(server)));
    const failures = results.flatMap((result, i) => {
      const server = servers[i];
      if (result.status === 'fulfilled' || server === undefined) return [];
      return [{ name: server.name, bind: server.key, error: asError(result.reason) }];
    });
    if (failures.length > 0) throw new ServerPoolError(code, what, failures, servers.length);
  }

  /** Gives their keys to those that have got their port. */
  private settle(): void {
    for (const server of this.unsettled) {
      if (isAutomatic(server.bind) || this.byKey.has(server.key)) continue;
      this.unsettled.delete(server);
      this.byKey.set(server.key, server);
    }
  }
}
