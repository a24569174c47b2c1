import type { Lease, NamedPoolFigures, PortAllocatorOptions, PortFigures, PortRequest } from './allocator-options.js';
import type { LeaseRecord } from './claims.js';
import type { ForeignPort } from './foreign-ports.js';
import { type BookedLease, PortBook } from './port-book.js';
import type { PortRange } from './port-set.js';
import * as refusals from './refusals.js';
import { DEFAULT_SERVICE } from './service-name.js';

const NOTHING: ReadonlySet<number> = new Set();

/**
 * Grants ports to local services of agents (checklist A1–A4). Pure bookkeeping
 * without sockets: whether a port can really be bound is for its caller to find
 * out, and to say with {@link confirm}, {@link release} or {@link setAside}.
 */
export class PortAllocatorService {
  /** the first of the ranges */
  readonly range: PortRange;
  private readonly book: PortBook;
  /** leased, and to be kept for nobody when they are released */
  private readonly freed = new Set<number>();

  /**
   * @throws BerthError `BERTH_CONFIG_INVALID` for a range that is empty, beyond 1..65535, or overlaps another
   */
  constructor(options: PortAllocatorOptions) {
    this.range = { start: options.range.start, end: options.range.end };
    this.book = new PortBook(options);
  }

  /**
   * Grants a port at once: the static or pinned one of that service, else the
   * one wished for, else the one it had last while that is free (A3), else one
   * that nobody has had, else the one that nobody has used for longest.
   *
   * @throws BerthError `BERTH_PORTS_EXHAUSTED`; for a wish `BERTH_PORT_NOT_REQUESTABLE`, `BERTH_PORT_STATIC`, `BERTH_PORT_TAKEN`
   */
  allocate(agentId: string, { service = DEFAULT_SERVICE, avoid = NOTHING, wish }: PortRequest = {}): Lease {
    const { layout, claims, foreign, now, warn } = this.book;
    foreign.expire();
    const fixed = layout.staticPort(agentId, service);
    const claim = claims.of(agentId, service);
    let port: number | undefined;
    if (fixed !== undefined) port = this.own(fixed, 'static', agentId, avoid);
    else if (claim?.pinned === true) port = this.own(claim.port, 'pinned', agentId, avoid);
    else if (wish !== undefined) port = this.wished(wish, agentId, claim, avoid);
    else port = this.usual(agentId, claim, avoid);
    if (port === undefined) {
      const pool = layout.poolFor(agentId);
      const figures = this.book.figuresOf(pool);
      warn('port range exhausted', { agentId, ...figures });
      throw refusals.exhausted(pool.ports, figures.foreign);
    }
    const lease = { port, agentId, service, leasedAt: now(), isStatic: fixed !== undefined };
    this.book.begin(lease);
    return this.shown(lease);
  }

  /** Its server listens: from now on the service has a claim to the port. */
  confirm(port: number): void {
    const lease = this.book.leases.get(port);
    if (lease !== undefined) this.claim(lease, null);
  }

  /**
   * Takes a port back. Idempotent; an unknown port is a warned no-op.
   *
   * @param wasUsed false when its server could not start: the agent has no claim to it then
   */
  release(port: number, wasUsed = true): void {
    const isFreed = this.freed.has(port);
    const lease = this.endLease(port);
    if (lease === undefined) return;
    if (wasUsed && !isFreed) this.claim(lease, this.book.now());
    this.book.putBack(port);
  }

  /** Takes back a port that another program holds; others are given out before it is tried again. */
  setAside(port: number): void {
    if (this.endLease(port) !== undefined) this.book.foreign.add(port, this.book.now());
  }

  /**
   * Gives a service a port for good, in the ranges or requestable. A lease of
   * another port that it has stays until it is released.
   *
   * @throws BerthError `BERTH_PORT_OUT_OF_RANGE`, `BERTH_PORT_STATIC`, or `BERTH_PORT_TAKEN` when another uses it or has it pinned
   */
  pin(agentId: string, service: string, port: number): LeaseRecord {
    const { layout, claims, leases } = this.book;
    this.checkNotStatic(agentId, service);
    const owner = layout.staticOwner(port);
    if (owner !== undefined) throw refusals.isStatic(port, owner);
    if (!layout.isKnown(port)) throw refusals.outOfRange(port, layout);
    const lease = leases.get(port);
    const isIts = lease?.agentId === agentId && lease.service === service;
    if (lease !== undefined && !isIts) throw refusals.taken(port, 'in use by', lease);
    const claim = claims.on(port);
    const hasIt = claim?.agentId === agentId && claim.service === service;
    if (claim?.pinned === true && !hasIt) throw refusals.taken(port, 'pinned to', claim);
    this.freed.delete(port);
    const usedAt = hasIt ? claim.usedAt : this.book.now();
    const record = { agentId, service, port, pinned: true, usedAt: isIts ? null : usedAt };
    this.book.claim(record);
    return record;
  }

  /**
   * Ends what a service has of a port: a pin, and the claim of one that is away.
   * One in use stays so until it is released, and is then anybody's.
   *
   * @throws BerthError `BERTH_PORT_STATIC`, `BERTH_NOT_FOUND`
   */
  free(agentId: string, service: string): void {
    this.checkNotStatic(agentId, service);
    const { lease, record } = this.portsOf(agentId, service);
    if (record === undefined && lease === undefined) throw refusals.hasNone(agentId, service);
    if (lease !== undefined) this.freed.add(lease.port);
    if (record === undefined) return;
    this.book.claims.delete(record);
    if (this.book.isUsable(record.port)) this.book.putBack(record.port);
  }

  /** Resolves when what has been granted so far is remembered, or could not be. */
  settled(): Promise<void> {
    return this.book.claims.settled();
  }

  /** Whether the service has a port that is nobody else's, static or pinned. */
  isFixed(agentId: string, service = DEFAULT_SERVICE): boolean {
    return (
      this.book.layout.staticPort(agentId, service) !== undefined ||
      this.book.claims.of(agentId, service)?.pinned === true
    );
  }

  /** Whether the agent could be given that port, were it free. */
  isFor(port: number, agentId: string): boolean {
    return this.book.layout.poolFor(agentId).ports.has(port) && !this.book.isReserved(port);
  }

  /** What a service has: its lease, and what is remembered of it. */
  portsOf(agentId: string, service = DEFAULT_SERVICE): { lease: Lease | undefined; record: LeaseRecord | undefined } {
    const lease = this.book.leaseOf(agentId, service);
    return { lease: lease && this.shown(lease), record: this.book.claims.of(agentId, service) };
  }

  /** Ports that other programs held when they were tried, the oldest finding first. */
  foreign(): ForeignPort[] {
    return this.book.foreign.list();
  }

  /** All leases, as copies in the order of their ports. */
  list(): Lease[] {
    return [...this.book.leases.values()].sort((a, b) => a.port - b.port).map((lease) => this.shown(lease));
  }

  /** Ports to which somebody may come back, and that are not leased, in the order of their ports. */
  remembered(): LeaseRecord[] {
    return this.book.claims.list().filter(({ port }) => !this.book.leases.has(port));
  }

  /** Of all ranges together; `start` and `end` are those of the first. */
  figures(): PortFigures {
    const sum = { total: 0, used: 0, free: 0, foreign: 0, reserved: 0 };
    for (const figures of this.pools()) {
      for (const name of ['total', 'used', 'free', 'foreign', 'reserved'] as const) sum[name] += figures[name];
    }
    let staticUsed = 0;
    for (const { isStatic } of this.book.leases.values()) if (isStatic) staticUsed += 1;
    return { ...this.range, ...sum, staticUsed };
  }

  /** Of the ports for all agents, and of each group. */
  pools(): NamedPoolFigures[] {
    return this.book.layout.pools.map((pool) => ({
      ranges: pool.ports.ranges.map(({ start, end }) => `${start}-${end}`),
      agents: [...pool.agents],
      ...this.book.figuresOf(pool),
    }));
  }

  private own(port: number, what: 'static' | 'pinned', agentId: string, avoid: ReadonlySet<number>): number {
    if (avoid.has(port) || this.book.leases.has(port)) throw refusals.ownTaken(port, what, agentId);
    return port;
  }

  private wished(port: number, agentId: string, own: LeaseRecord | undefined, avoid: ReadonlySet<number>): number {
    const { layout, leases, claims } = this.book;
    if (!layout.requestable.has(port)) throw refusals.notRequestable(port, agentId);
    const owner = layout.staticOwner(port);
    if (owner !== undefined) throw refusals.isStatic(port, owner);
    const lease = leases.get(port);
    if (lease !== undefined) throw refusals.taken(port, 'in use by', lease);
    const claim = claims.on(port);
    if (claim !== undefined && claim !== own) {
      throw refusals.taken(port, claim.pinned ? 'pinned to' : 'kept for', claim);
    }
    if (avoid.has(port) || !this.book.isUsable(port)) throw refusals.heldByOthers(port);
    return port;
  }

  private usual(agentId: string, claim: LeaseRecord | undefined, avoid: ReadonlySet<number>): number | undefined {
    const { layout, foreign } = this.book;
    const pool = layout.poolFor(agentId);
    if (claim !== undefined && !avoid.has(claim.port) && this.book.isUsable(claim.port)) return claim.port;
    const chosen = pool.choose(avoid);
    if (chosen !== undefined) return chosen;
    for (const port of foreign.retryable()) {
      if (pool.ports.has(port) && !avoid.has(port) && !this.book.isReserved(port)) return port;
    }
    return undefined;
  }

  private claim({ agentId, service, port, isStatic }: BookedLease, usedAt: number | null): void {
    const before = this.book.claims.of(agentId, service);
    const pinned = before?.pinned === true;
    if (isStatic || (pinned && before.port !== port)) return;
    this.book.claim({ agentId, service, port, pinned, usedAt });
  }

  private endLease(port: number): BookedLease | undefined {
    const lease = this.book.leases.get(port);
    if (lease === undefined) this.book.warn('released a port that was not leased', { port });
    this.book.leases.delete(port);
    this.freed.delete(port);
    return lease;
  }

  private checkNotStatic(agentId: string, service: string): void {
    const fixed = this.book.layout.staticPort(agentId, service);
    if (fixed !== undefined) throw refusals.hasStatic(agentId, fixed);
  }

  private shown(lease: BookedLease): Lease {
    return { ...lease, isPinned: this.book.claims.on(lease.port)?.pinned === true };
  }
}
