import { BerthError } from '#errors';

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
  staticUsed: number;
}

export interface PortRange {
  /** first port, 1..65535 */
  start: number;
  /** last port, inclusive */
  end: number;
}

export interface PortAllocatorOptions {
  range: PortRange;
  /** agent id → port; such a port is nobody else's, in the range or out of it */
  static?: Readonly<Record<string, number>>;
  /** ms since the epoch */
  now?: () => number;
  /** told what an operator may want to know; checklist A3 */
  warn?: (message: string, fields: Record<string, unknown>) => void;
}

/**
 * Grants ports to agents (checklist A1–A4). Pure bookkeeping without sockets:
 * whether a port can really be bound is for its caller to find out and to
 * report with {@link release}.
 */
export class PortAllocatorService {
  private readonly leases = new Map<number, Lease>();
  /** the port an agent had last, so that it comes back to the same address */
  private readonly lastPort = new Map<string, number>();
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
    this.now = options.now ?? Date.now;
    this.warn = options.warn ?? (() => undefined);
  }

  /**
   * Grants a port at once: the agent's static one, else the one it had before
   * when that is free (A3), else the first free one (A2).
   *
   * @param agentId who gets it
   * @param avoid ports that could not be bound just now
   * @throws BerthError `BERTH_PORTS_EXHAUSTED`
   */
  allocate(agentId: string, avoid: ReadonlySet<number> = new Set()): Lease {
    const fixed = this.staticPorts.get(agentId);
    if (fixed !== undefined) return this.grant(agentId, fixed, avoid, true);
    const port = this.pick(agentId, avoid);
    if (port === undefined) {
      const { start, end } = this.range;
      this.warn('port range exhausted', { agentId, ...this.figures() });
      throw new BerthError('BERTH_PORTS_EXHAUSTED', `no available ports in range ${start}-${end}`);
    }
    return this.grant(agentId, port, avoid, false);
  }

  /** Whether the agent has a port of its own in the static table. */
  isStatic(agentId: string): boolean {
    return this.staticPorts.has(agentId);
  }

  /** Takes a port back. Idempotent; an unknown port is a warned no-op. */
  release(port: number): void {
    if (!this.leases.delete(port)) this.warn('released a port that was not leased', { port });
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
    return { start, end, total, used, free: total - used, staticUsed };
  }

  private grant(agentId: string, port: number, avoid: ReadonlySet<number>, isStatic: boolean): Lease {
    if (isStatic && (avoid.has(port) || this.leases.has(port))) {
      throw new BerthError(
        'BERTH_PORTS_EXHAUSTED',
        `static port ${port} of agent ${agentId} is taken (agentPorts.static)`,
      );
    }
    const lease: Lease = { port, agentId, leasedAt: this.now(), isStatic };
    this.leases.set(port, lease);
    if (!isStatic) this.remember(agentId, port);
    return { ...lease };
  }

  private pick(agentId: string, avoid: ReadonlySet<number>): number | undefined {
    const free = (port: number): boolean => !this.leases.has(port) && !avoid.has(port) && !this.reserved.has(port);
    const before = this.lastPort.get(agentId);
    if (before !== undefined && free(before)) return before;
    for (let port = this.range.start; port <= this.range.end; port += 1) if (free(port)) return port;
    return undefined;
  }

  /** One agent per remembered port, so the memory is bounded by the range. */
  private remember(agentId: string, port: number): void {
    for (const [other, taken] of this.lastPort) if (taken === port && other !== agentId) this.lastPort.delete(other);
    this.lastPort.set(agentId, port);
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
