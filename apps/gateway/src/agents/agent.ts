import type { AgentConnection } from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import type { LifecycleEventMap, ServiceKinds } from '../lifecycle/index.js';
import { ReportedMetrics, type ReportedMetricsOptions } from '../reported-metrics/index.js';
import type { LocalService } from './local-service.js';

/** One registered agent: its connections, and the local services that they lead to. */
export class Agent {
  /** what its connections have sent of each, beside exchanges */
  readonly signals = { pause: 0, resume: 0, hold: 0, release: 0, capacity: 0, metrics: 0, acknowledgement: 0 };
  /** what its processes report of themselves */
  readonly reported: ReportedMetrics;
  /** those that have a port, or wait for one; the first offered comes first */
  services: readonly LocalService[] = [];
  /** ms since the epoch, to be shown */
  connectedAt = Date.now();
  metadata: Readonly<Record<string, string>> = {};
  /** why what runs is cut off, once that is decided */
  ending: 'proxy_shutdown' | 'manual' | undefined;
  /** services that come are drained as well */
  drained = false;
  private list: readonly AgentConnection[] = [];
  private quietSince = performance.now();

  constructor(
    readonly id: string,
    /** agent process that holds the id; connections of another one are a takeover, unless {@link shared} */
    public instanceId: string,
    /** whether other processes with its id are replicas of it */
    readonly shared = false,
    reported?: ReportedMetricsOptions,
  ) {
    this.reported = new ReportedMetrics(reported);
  }

  /** In the order in which they came. */
  get connections(): readonly AgentConnection[] {
    return this.list;
  }

  get connected(): boolean {
    return this.list.length > 0;
  }

  get inFlight(): number {
    return this.list.reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  /** Of its first service; 0 until that has one. */
  get port(): number {
    return this.services[0]?.port ?? 0;
  }

  /** Of the same. */
  get scheme(): string {
    return this.services[0]?.scheme ?? '';
  }

  /** Whether connections of that process belong to it as it is. */
  isServedBy(instanceId: string): boolean {
    return this.shared || instanceId === this.instanceId;
  }

  /** monotonic ms, see {@link wallTime}; moves with every message of every connection (checklist A12) */
  get lastSeenAt(): number {
    for (const { lastSeenAt } of this.list) if (lastSeenAt > this.quietSince) this.quietSince = lastSeenAt;
    return this.quietSince;
  }

  /** What its ports are. */
  get kinds(): ServiceKinds {
    return Object.fromEntries(this.services.map(({ name, kind, scheme }) => [name, { kind, scheme }]));
  }

  /** What is told when it has gone. */
  leaving(reason: string): LifecycleEventMap['agent.disconnected'][0] {
    const { id: agentId, port, kinds: services } = this;
    return { agentId, port, services, reason, lastSeen: Math.round(wallTime(this.lastSeenAt)) };
  }

  /** Takes a connection in. */
  add(connection: AgentConnection): void {
    this.list = [...this.list, connection];
  }

  /** Takes out that very connection, never another with the same name (checklist A11). */
  remove(connection: AgentConnection): boolean {
    if (!this.list.includes(connection)) return false;
    this.list = this.list.filter((other) => other !== connection);
    for (const { connections } of this.services) connections.remove(connection);
    if (!this.connected) this.drained = false;
    return true;
  }

  /** Whether one of its connections leads to that process. */
  hasReplica(replicaId: string): boolean {
    return this.list.some(({ origin }) => origin.instanceId === replicaId);
  }

  /** Forgets what its processes report no more, and what those have reported that have gone. @param now monotonic ms */
  forgetReported(now: number): void {
    this.reported.sweep(now, (id) => this.hasReplica(id));
  }

  /**
   * Keeps new exchanges away, and ends that again.
   *
   * @param of one replica, one service; absent: all
   * @returns false when there is no such replica or service
   */
  setDrained(drained: boolean, of: { replicaId?: string | undefined; service?: string | undefined } = {}): boolean {
    this.drained = drained && (this.drained || (of.replicaId ?? of.service) === undefined);
    const meant = this.services.filter(({ name }) => name === (of.service ?? name));
    const found = meant.map(({ connections }) =>
      drained ? connections.drain(of.replicaId) : connections.undrain(of.replicaId),
    );
    return found.includes(true);
  }

  /**
   * Asks it to leave, though it may come back at once.
   *
   * @param deadlineMs for exchanges under way
   * @param now cuts them off
   * @param connections those that are meant
   */
  disconnect(deadlineMs: number, now: boolean, connections = this.list): void {
    if (connections.length === this.list.length) this.ending = 'manual';
    for (const connection of connections) {
      connection.drain('disconnected', deadlineMs, true);
      if (now) connection.close(new BerthError('BERTH_CONNECTION_DISCONNECTED', 'disconnected by an operator'));
    }
  }

  /** Asks it to leave for good: what waits is refused, what runs has `deadlineMs`. */
  shutDown(deadlineMs: number, reason: BerthError): void {
    this.ending = 'proxy_shutdown';
    for (const { admission } of this.services) admission.close(reason);
    for (const connection of this.list) connection.drain('shutdown', deadlineMs, false);
  }
}

/** A moment of the monotonic clock as people read it, ms since the epoch. */
export function wallTime(monotonicMs: number): number {
  return Date.now() - (performance.now() - monotonicMs);
}
