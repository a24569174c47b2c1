/** A port that another program held when it was tried. */
export interface ForeignPort {
  readonly port: number;
  /** ms since the epoch */
  readonly foundAt: number;
}

/** First port to last, both included. */
export interface PortRange {
  /** first port, 1..65535 */
  start: number;
  /** last port, inclusive */
  end: number;
}

export interface FreePortsOptions {
  range: PortRange;
  /** ports of the range that are never given out here */
  reserved: ReadonlySet<number>;
  /** how long a foreign port counts as one, ms */
  foreignMs: number;
  /** monotonic ms */
  monotonic: () => number;
}

/** When nothing else is left, a foreign port is tried again after this time, ms. */
const FOREIGN_RETRY_MS = 1000;

/**
 * The ports of a range that nobody has leased, in the order in which they are
 * given out: the one the agent had last, then those never given
 * out, then those that no agent comes back to, then the last ports of agents
 * that are away; of equals the one that has been free for the longest.
 */
export class FreePorts {
  /** from here on no port was ever given out */
  private next: number;
  /** last port of nobody, the one free for longest first */
  private readonly spare = new Set<number>();
  /** last port of an agent that is away, the one free for longest first */
  private readonly kept = new Set<number>();
  /** found taken by another program, the oldest finding first */
  private readonly foreign = new Map<number, { foundAt: number; triedAt: number }>();
  private readonly lastPort = new Map<string, number>();
  /** the other way round; one agent per port and one port per agent, so the range bounds both */
  private readonly lastAgent = new Map<number, string>();

  constructor(private readonly options: FreePortsOptions) {
    this.next = options.range.start;
  }

  /**
   * The port for an agent; {@link forget} takes it out.
   *
   * @param avoid ports that are of no use to the caller now
   */
  choose(agentId: string, avoid: ReadonlySet<number>): number | undefined {
    this.expire();
    const usable = (ports: Iterable<number>): number | undefined => {
      for (const port of ports) if (!avoid.has(port)) return port;
      return undefined;
    };
    const before = this.lastPort.get(agentId);
    return (
      (before !== undefined && this.kept.has(before) ? usable([before]) : undefined) ??
      this.firstNew(avoid) ??
      usable(this.spare) ??
      usable(this.kept) ??
      usable(this.retryable())
    );
  }

  /** Takes a port back. @param agentId who really had it, and may come back to it */
  putBack(port: number, agentId?: string): void {
    if (agentId !== undefined) this.remember(agentId, port);
    if (this.isOurs(port)) (this.lastAgent.has(port) ? this.kept : this.spare).add(port);
  }

  /** Another program has it. */
  setAside(port: number, foundAt: number): void {
    this.foreign.delete(port);
    this.foreign.set(port, { foundAt, triedAt: this.options.monotonic() });
  }

  /** It is leased: nobody else can have it. */
  forget(port: number): void {
    if (port === this.next) this.next += 1;
    this.spare.delete(port);
    this.kept.delete(port);
    this.foreign.delete(port);
  }

  foreignPorts(): ForeignPort[] {
    this.expire();
    return [...this.foreign].map(([port, { foundAt }]) => ({ port, foundAt }));
  }

  /** How many of the range's own ports are foreign. */
  get foreignCount(): number {
    return this.foreignPorts().filter(({ port }) => this.isOurs(port)).length;
  }

  private firstNew(avoid: ReadonlySet<number>): number | undefined {
    for (; this.next <= this.options.range.end; this.next += 1) {
      const port = this.next;
      if (!this.isOurs(port)) continue;
      if (!avoid.has(port)) return port;
      this.spare.add(port);
    }
    return undefined;
  }

  /** An agent that waits is worth an attempt on a port that may be free again. */
  private *retryable(): Generator<number> {
    const latest = this.options.monotonic() - FOREIGN_RETRY_MS;
    for (const [port, { triedAt }] of this.foreign) if (triedAt <= latest && this.isOurs(port)) yield port;
  }

  private expire(): void {
    const latest = this.options.monotonic() - this.options.foreignMs;
    for (const [port, { triedAt }] of this.foreign) {
      if (triedAt > latest) return;
      this.foreign.delete(port);
      this.putBack(port);
    }
  }

  private isOurs(port: number): boolean {
    const { range, reserved } = this.options;
    return port >= range.start && port <= range.end && !reserved.has(port);
  }

  private remember(agentId: string, port: number): void {
    const before = this.lastPort.get(agentId);
    if (before === port) return;
    if (before !== undefined) {
      this.lastAgent.delete(before);
      if (this.kept.delete(before)) this.spare.add(before);
    }
    const other = this.lastAgent.get(port);
    if (other !== undefined) this.lastPort.delete(other);
    this.lastAgent.set(port, agentId);
    this.lastPort.set(agentId, port);
  }
}
