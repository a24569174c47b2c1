import { Admission, type AdmissionOptions, type AgentConnection, AgentPool, type PoolOptions } from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import { ExchangeStats } from '@berth/observability';
import { ReportedMetrics, type ReportedMetricsOptions } from '../reported-metrics/index.js';

export interface AgentOptions {
  readonly admission?: Partial<AdmissionOptions>;
  readonly reported?: ReportedMetricsOptions;
}

/** One registered agent: its connections, its port and its figures. */
export class Agent {
  readonly connections: AgentPool;
  /** lets exchanges onto them */
  readonly admission: Admission<AgentConnection>;
  readonly stats = new ExchangeStats();
  /** what its connections have sent of each, beside exchanges */
  readonly signals = { pause: 0, resume: 0, hold: 0, release: 0, capacity: 0, metrics: 0, acknowledgement: 0 };
  /** what its processes report of themselves */
  readonly reported: ReportedMetrics;
  /** ms since the epoch, to be shown */
  connectedAt = Date.now();
  /** 0 until its server listens */
  port = 0;
  /** of the port's address as clients write it; empty until its server listens */
  scheme = '';
  /** agent process that holds the id; connections of another one are a takeover, unless {@link shared} */
  instanceId: string;
  metadata: Readonly<Record<string, string>> = {};
  /** why what runs is cut off, once that is decided */
  ending: 'proxy_shutdown' | 'manual' | undefined;
  private quietSince = performance.now();

  constructor(
    readonly id: string,
    instanceId: string,
    /** kind of port that it asked for */
    readonly portKind: string,
    pool: Partial<PoolOptions<AgentConnection>> = {},
    /** whether other processes with its id are replicas of it */
    readonly shared = false,
    { admission, reported }: AgentOptions = {},
  ) {
    this.connections = new AgentPool(id, pool);
    this.admission = new Admission(this.connections, admission);
    this.reported = new ReportedMetrics(reported);
    this.instanceId = instanceId;
  }

  /** Whether connections of that process belong to it as it is. */
  isServedBy(instanceId: string): boolean {
    return this.shared || instanceId === this.instanceId;
  }

  /**
   * Asks it to leave, though it may come back at once.
   *
   * @param deadlineMs for exchanges under way
   * @param now cuts them off
   */
  disconnect(deadlineMs: number, now: boolean): void {
    this.ending = 'manual';
    for (const connection of this.connections.all) {
      connection.drain('disconnected', deadlineMs, true);
      if (now) connection.close(new BerthError('BERTH_CONNECTION_DISCONNECTED', 'disconnected by an operator'));
    }
  }

  /** Asks it to leave for good: what waits is refused, what runs has `deadlineMs`. */
  shutDown(deadlineMs: number, reason: BerthError): void {
    this.ending = 'proxy_shutdown';
    this.admission.refuseAll(reason);
    for (const connection of this.connections.all) connection.drain('shutdown', deadlineMs, false);
  }

  /** Whether one of its connections leads to that process. */
  hasReplica(replicaId: string): boolean {
    return this.connections.members.some(({ replica }) => replica.id === replicaId);
  }

  /** Forgets what its processes report no more, and what those have reported that have gone. @param now monotonic ms */
  forgetReported(now: number): void {
    this.reported.sweep(now, (id) => this.hasReplica(id));
  }

  get connected(): boolean {
    return this.connections.all.length > 0;
  }

  /** monotonic ms, see {@link wallTime}; moves with every message of every connection (checklist A12) */
  get lastSeenAt(): number {
    for (const { lastSeenAt } of this.connections.all) if (lastSeenAt > this.quietSince) this.quietSince = lastSeenAt;
    return this.quietSince;
  }
}

/** A moment of the monotonic clock as people read it, ms since the epoch. */
export function wallTime(monotonicMs: number): number {
  return Date.now() - (performance.now() - monotonicMs);
}
