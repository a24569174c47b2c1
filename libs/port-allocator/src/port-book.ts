import type { Lease, PoolFigures, PortAllocatorOptions } from './allocator-options.js';
import { Claims, type LeaseRecord, NO_RECORDS } from './claims.js';
import { ForeignPorts } from './foreign-ports.js';
import { layoutOf, type PortLayout } from './port-layout.js';
import type { PortPool } from './port-pool.js';

/** A lease as it is kept: whether it is pinned stands in the claim. */
export type BookedLease = Omit<Lease, 'isPinned'>;

/** What is known of all ports, and kept in step: leases, claims, ports of other programs, and pools of what is left. */
export class PortBook {
  readonly leases = new Map<number, BookedLease>();
  readonly layout: PortLayout;
  readonly claims: Claims;
  readonly foreign: ForeignPorts;
  readonly now: () => number;
  readonly warn: (message: string, fields: Record<string, unknown>) => void;

  /** @throws BerthError `BERTH_CONFIG_INVALID` */
  constructor(options: PortAllocatorOptions) {
    const { leases = NO_RECORDS, foreignMs = 60_000, monotonic = () => performance.now() } = options;
    this.now = options.now ?? Date.now;
    this.warn = options.warn ?? (() => undefined);
    this.claims = new Claims(leases);
    const isOpen = (port: number): boolean => this.isUsable(port) && !this.isReserved(port);
    this.layout = layoutOf(options, isOpen);
    this.foreign = new ForeignPorts(foreignMs, monotonic, (port) => {
      this.putBack(port);
    });
    this.load(leases.records);
  }

  /** Whether it could be bound, by whoever may have it. */
  isUsable(port: number): boolean {
    return !this.leases.has(port) && !this.foreign.has(port);
  }

  /** Whether it is somebody's for good. */
  isReserved(port: number): boolean {
    return this.layout.staticOwner(port) !== undefined || this.claims.on(port)?.pinned === true;
  }

  leaseOf(agentId: string, service: string): BookedLease | undefined {
    for (const lease of this.leases.values()) {
      if (lease.agentId === agentId && lease.service === service) return lease;
    }
    return undefined;
  }

  /** Nobody can have it but this one. */
  begin(lease: BookedLease): void {
    this.layout.poolOf(lease.port)?.take(lease.port);
    this.foreign.delete(lease.port);
    this.leases.set(lease.port, lease);
  }

  /** Whoever had the port loses it, and the port that its new owner had is free. */
  claim(record: LeaseRecord): void {
    const former = this.claims.set(record);
    if (record.pinned) this.layout.poolOf(record.port)?.take(record.port);
    if (former !== undefined && this.isUsable(former)) this.putBack(former);
  }

  /** To be called when nothing holds it any more. */
  putBack(port: number): void {
    if (!this.isReserved(port)) this.layout.poolOf(port)?.add(port, this.claims.on(port) !== undefined);
  }

  figuresOf({ ports }: PortPool): PoolFigures {
    const within = (port: number): boolean => ports.has(port) && this.layout.staticOwner(port) === undefined;
    const total = ports.size - this.layout.staticPorts().filter((port) => ports.has(port)).length;
    const used = [...this.leases.keys()].filter(within).length;
    const foreign = this.foreign.list().filter(({ port }) => within(port)).length;
    let reserved = 0;
    // Not in order: it is done for each agent that finds no port.
    for (const { pinned, port } of this.claims.all()) {
      if (pinned && within(port) && this.isUsable(port)) reserved += 1;
    }
    const { start, end } = ports;
    return { start, end, total, used, free: total - used - foreign - reserved, foreign, reserved };
  }

  private load(records: readonly LeaseRecord[]): void {
    const now = this.now();
    // Those that were in use when the process before ended have been used last.
    const age = ({ pinned, usedAt }: LeaseRecord): number => (pinned ? -1 : (usedAt ?? now));
    const { layout } = this;
    for (const record of [...records].sort((a, b) => age(a) - age(b) || a.port - b.port)) {
      const { agentId, service, port, pinned } = record;
      const isStatic = layout.staticPort(agentId, service) !== undefined || layout.staticOwner(port) !== undefined;
      const isPossible = !isStatic && (pinned ? layout.isKnown(port) : layout.isFor(port, agentId));
      if (isPossible && this.claims.load({ ...record, usedAt: record.usedAt ?? now })) this.putBack(port);
      // The record stays: who changes the settings back has it again.
      else if (pinned)
        this.warn('a pinned port is not used: the settings have it in no range, or for another', { ...record });
    }
  }
}
