import type { AgentPool } from '../agent-pool.js';
import type { Member } from '../member.js';
import type { PoolConnection } from '../pool-connection.js';
import { type OutlierLimits, outlierReason, type ReplicaFigures, worstFirst } from './outlier-judge.js';

export interface OutlierOptions<C extends PoolConnection> extends OutlierLimits {
  /** requests of the last seconds below which a replica is not judged */
  minRequests: number;
  /** first time out, ms; doubles with each ejection in a row */
  ejectMs: number;
  /** longest time out, ms; one that stays in for so long begins anew */
  maxEjectMs: number;
  /** whether a replica is fit again; asked with one of its connections when its time is over */
  probe: (connection: C) => Promise<boolean>;
}

export const OUTLIER_DEFAULTS: Readonly<Omit<OutlierOptions<PoolConnection>, 'probe'>> = {
  minRequests: 20,
  errorShare: 0.5,
  latencyFactor: 5,
  latencyFloorMs: 100,
  ejectMs: 10_000,
  maxEjectMs: 300_000,
};

/** What is remembered of a replica that was ejected. */
interface Ejection {
  readonly reason: string;
  /** ejections in a row */
  readonly count: number;
  /** monotonic ms; undefined: it is back */
  until: number | undefined;
  returnedAt: number;
  probing: boolean;
}

/**
 * Takes replicas out that fail or are slow beside the others of their agent,
 * never more than half of them, and lets each back by a probe and a slow start.
 * `tick` is to be called about once a second.
 */
export class OutlierDetector<C extends PoolConnection> {
  private readonly ejections = new Map<string, Ejection>();
  private readonly options: OutlierOptions<C>;

  /** @param now monotonic ms */
  constructor(
    private readonly pool: AgentPool<C>,
    options: Partial<OutlierOptions<C>> & Pick<OutlierOptions<C>, 'probe'>,
    private readonly now: () => number,
  ) {
    this.options = { ...OUTLIER_DEFAULTS, ...options };
  }

  /** Replicas that are out. */
  get ejected(): string[] {
    return [...this.ejections.keys()].filter((id) => this.isOut(id));
  }

  tick(): void {
    const replicas = Map.groupBy(this.pool.members, ({ replica }) => replica.id);
    for (const [id, ejection] of this.ejections) this.review(id, ejection, replicas.get(id) ?? []);
    let room = Math.floor(replicas.size / 2) - this.ejected.length;
    const figures = this.figuresOf(replicas).sort(worstFirst);
    for (const own of figures) {
      // The worst come first, because not all of them can go.
      if (room <= 0) return;
      const others = figures.filter((it) => it !== own);
      const reason = outlierReason(own, others, this.options);
      if (reason === undefined) continue;
      this.eject(own.id, replicas.get(own.id) ?? [], reason);
      room -= 1;
    }
  }

  private isOut(id: string): boolean {
    return this.ejections.get(id)?.until !== undefined;
  }

  private review(id: string, ejection: Ejection, members: readonly Member<C>[]): void {
    const now = this.now();
    const { until, returnedAt, reason, probing } = ejection;
    const isForgiven = until === undefined && now - returnedAt >= this.options.maxEjectMs;
    if (isForgiven || members.length === 0) this.ejections.delete(id);
    else if (until !== undefined) {
      // One more connection of a replica that is out is out as well.
      for (const { health } of members) health.ejected(reason, now);
      if (until <= now && !probing) void this.probe(id, ejection, members);
    }
  }

  private figuresOf(replicas: ReadonlyMap<string, readonly Member<C>[]>): ReplicaFigures[] {
    const now = this.now();
    const figures: ReplicaFigures[] = [];
    for (const [id, members] of replicas) {
      const requests = sum(members, ({ recent }) => recent.requests(now));
      if (this.isOut(id) || requests < this.options.minRequests) continue;
      const errors = sum(members, ({ recent }) => recent.errors(now));
      const latencies = sum(members, ({ recent }) => recent.latencies(now));
      figures.push({ id, errorRate: errors / requests, latencyMs: latencies / Math.max(1, requests - errors) });
    }
    return figures;
  }

  private eject(id: string, members: readonly Member<C>[], reason: string): void {
    const now = this.now();
    const { ejectMs, maxEjectMs } = this.options;
    const count = (this.ejections.get(id)?.count ?? 0) + 1;
    const until = now + Math.min(maxEjectMs, ejectMs * 2 ** (count - 1));
    this.ejections.set(id, { reason, count, until, returnedAt: 0, probing: false });
    for (const { health } of members) health.ejected(reason, now);
  }

  private async probe(id: string, ejection: Ejection, [first]: readonly Member<C>[]): Promise<void> {
    if (first === undefined) return;
    ejection.probing = true;
    const isFit = await this.options.probe(first.connection).catch(() => false);
    // It may have gone meanwhile, and have come back as another one.
    if (this.ejections.get(id) !== ejection) return;
    const members = this.pool.members.filter(({ replica }) => replica.id === id);
    if (isFit) this.takeBack(ejection, members);
    else this.eject(id, members, 'outlier: its probe failed');
  }

  private takeBack(ejection: Ejection, members: readonly Member<C>[]): void {
    const now = this.now();
    ejection.until = undefined;
    ejection.returnedAt = now;
    ejection.probing = false;
    for (const { health, recent } of members) {
      recent.clear();
      health.returned(now);
    }
    const replica = members[0]?.replica;
    if (replica !== undefined) this.pool.startSlowly(replica);
  }
}

function sum<T>(list: readonly T[], of: (item: T) => number): number {
  return list.reduce((total, item) => total + of(item), 0);
}
