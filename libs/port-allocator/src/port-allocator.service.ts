import { BerthError } from '@berth/errors';
import { type ForeignPort, FreePorts, type PortRange } from './free-ports.js';

/** A port granted to an agent. */
export interface Lease {
  readonly port: number;
  readonly agentId: string;
  /** ms since the epoch */
  readonly leasedAt: number;
  /** from the static table, not from the range */
  readonly isStatic: boolean;
}

/** Figures of the range; static ports are counted apart. */
export interface PortFigures {
  start: number;
  end: number;
  total: number;
  used: number;
  free: number;
  /** held by other programs when they were tried */
  foreign: number;
  staticUsed: number;
}

export interface PortAllocatorOptions {
  range: PortRange;
  /** agent id → port; such a port is nobody else's, in the range or out of it */
  static?: Readonly<Record<string, number>>;
  /** how long a port that another program held is passed over while others are free, ms; default 60,000 */
  foreignMs?: number;
  /** ms since the epoch, for what is shown */
  now?: () => number;
  /** ms, for durations */
  monotonic?: () => number;
  /** told what an operator may want to know; checklist A3 */
  warn?: (message: string, fields: Record<string, unknown>) => void;
}

/**
 * Grants ports to agents (checklist A1–A4). Pure bookkeeping without sockets:
 * whether a port can really be bound is for its caller to find out and to
 * report with {@link release} or {@link setAside}.
 */
export class PortAllocatorService {
  private readonly leases = new Map<number, Lease>();
  private readonly freePorts: FreePorts;
  private readonly staticPorts: ReadonlyMap<string, number>;
  private readonly reserved: ReadonlySet<number>;
  private readonly now: () => number;
  private readonly warn: (message: string, fields: Record<string, unknown>) => void;
  readonly range: PortRange;

  /**
   * @throws BerthError `BERTH_CONFIG_INVALID` for a range that is empty or beyond 1..65535
   */
  constructor(options: PortAllocatorOptions) {
    this.range = checkedRange(options.range);
    this.staticPorts = new Map(Object.entries(options.static ?? {}));
    this.reserved = new Set(this.staticPorts.values());
    this.freePorts = new FreePorts({
      range: this.range,
      reserved: this.reserved,
      foreignMs: options.foreignMs ?? 60_000,
      monotonic: options.monotonic ?? (() => performance.now()),
    });
    this.now = options.now ?? Date.now;
    this.warn = options.warn ?? (() => undefined);
  }

  /**
   * Grants a port at once: the agent's static one, else the one it had last
   * when that is free (A3), else one as {@link FreePorts} orders them.
   *
   * @param agentId who gets it
   * @param avoid ports that could not be bound just now
   * @throws BerthError `BERTH_PORTS_EXHAUSTED`
   */
  allocate(agentId: string, avoid: ReadonlySet<number> = new Set()): Lease {
    const fixed = this.staticPorts.get(agentId);
    const port = fixed ?? this.freePorts.choose(agentId, avoid);
    if (port === undefined) {
      this.warn('port range exhausted', { agentId, ...this.figures() });
      throw new BerthError('BERTH_PORTS_EXHAUSTED', this.exhausted());
    }
    if (fixed !== undefined && (avoid.has(port) || this.leases.has(port))) {
      throw new BerthError(
        'BERTH_PORTS_EXHAUSTED',
        `static port ${port} of agent ${agentId} is taken (agentPorts.static)`,
      );
    }
    this.freePorts.forget(port);
    const lease: Lease = { port, agentId, leasedAt: this.now(), isStatic: fixed !== undefined };
    this.leases.set(port, lease);
    return { ...lease };
  }

  /** Whether the agent has a port of its own in the static table. */
  isStatic(agentId: string): boolean {
    return this.staticPorts.has(agentId);
  }

  /**
   * Takes a port back. Idempotent; an unknown port is a warned no-op.
   *
   * @param wasUsed false when its server could not start: the agent has no claim to it then
   */
  release(port: number, wasUsed = true): void {
    const lease = this.endLease(port);
    if (lease !== undefined) this.freePorts.putBack(port, wasUsed && !lease.isStatic ? lease.agentId : undefined);
  }

  /** Takes back a port that another program holds; others are given out before it is tried again. */
  setAside(port: number): void {
    if (this.endLease(port) !== undefined) this.freePorts.setAside(port, this.now());
  }

  /** Ports that other programs held when they were tried, the oldest finding first. */
  foreign(): ForeignPort[] {
    return this.freePorts.foreignPorts();
  }

  /** All leases, as copies in the order of their ports. */
  list(): Lease[] {
    return [...this.leases.values()].sort((a, b) => a.port - b.port).map((lease) => ({ ...lease }));
  }

  figures(): PortFigures {
    const { start, end } = this.range;
    let staticUsed = 0;
    for (const lease of this.leases.values()) if (lease.isStatic) staticUsed += 1;
    const reservedInside = [...this.reserved].filter((port) => port >= start && port <= end).length;
    const total = end - start + 1 - reservedInside;
    const used = this.leases.size - staticUsed;
    const foreign = this.freePorts.foreignCount;
    return { start, end, total, used, free: total - used - foreign, foreign, staticUsed };
  }

  private endLease(port: number): Lease | undefined {
    const lease = this.leases.get(port);
    if (lease === undefined) this.warn('released a port that was not leased', { port });
    else this.leases.delete(port);
    return lease;
  }

  private exhausted(): string {
    const { start, end } = this.range;
    const foreign = this.freePorts.foreignCount;
    const others = foreign === 0 ? '' : ` (${foreign} of them held by other programs, see GET /ports)`;
    return `no available ports in range ${start}-${end}${others}`;
  }
}

function checkedRange({ start, end }: PortRange): PortRange {
  const valid = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;
  if (!valid(start) || !valid(end) || start > end) {
    throw new BerthError(
      'BERTH_CONFIG_INVALID',
      `http.agentPortRange: ${start}-${end} is not a range; start and end must be 1..65535 and start <= end`,
    );
  }
  return { start, end };
}
