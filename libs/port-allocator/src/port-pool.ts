import type { PortSet } from './port-set.js';

/**
 * Ports for some agents, in the order in which they are given out: those never
 * given out, then those that nobody comes back to, then those to which an agent
 * may come back, the one that nobody has used for longest first.
 */
export class PortPool {
  /** index from which on no port was ever given out */
  private next = 0;
  /** had by somebody, and nobody's now; the one free for longest first */
  private readonly spare = new Set<number>();
  /** an agent may come back to it; the one unused for longest first */
  private readonly kept = new Set<number>();

  /**
   * @param agents patterns of the ids that it is for, to be shown; none: all others
   * @param isOpen whether a port can be given to anybody: neither leased, nor somebody's for good, nor foreign
   */
  constructor(
    readonly ports: PortSet,
    readonly agents: readonly string[],
    private readonly isOpen: (port: number) => boolean,
  ) {}

  /** @param avoid ports that are of no use to the caller now */
  choose(avoid: ReadonlySet<number>): number | undefined {
    const first = (ports: Iterable<number>): number | undefined => {
      for (const port of ports) if (!avoid.has(port)) return port;
      return undefined;
    };
    return this.firstNew(avoid) ?? first(this.spare) ?? first(this.kept);
  }

  /** It is free. @param isClaimed whether somebody may come back to it */
  add(port: number, isClaimed: boolean): void {
    this.take(port);
    (isClaimed ? this.kept : this.spare).add(port);
  }

  /** It is not to be given out. */
  take(port: number): void {
    this.spare.delete(port);
    this.kept.delete(port);
  }

  private firstNew(avoid: ReadonlySet<number>): number | undefined {
    for (; this.next < this.ports.size; this.next += 1) {
      const port = this.ports.at(this.next);
      // Whoever makes one of these free again adds it.
      if (this.spare.has(port) || this.kept.has(port) || !this.isOpen(port)) continue;
      if (!avoid.has(port)) return port;
      this.spare.add(port);
    }
    return undefined;
  }
}
