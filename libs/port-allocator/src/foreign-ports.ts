/** A port that another program held when it was tried. */
export interface ForeignPort {
  readonly port: number;
  /** ms since the epoch */
  readonly foundAt: number;
}

/** When nothing else is left, a foreign port is tried again after this time, ms. */
const FOREIGN_RETRY_MS = 1000;

/** Ports that other programs hold; each counts as one for a while. */
export class ForeignPorts {
  /** the oldest attempt first */
  private readonly found = new Map<number, { foundAt: number; triedAt: number }>();

  /**
   * @param foreignMs how long one counts, ms
   * @param monotonic ms
   * @param freed told of one whose time is over
   */
  constructor(
    private readonly foreignMs: number,
    private readonly monotonic: () => number,
    private readonly freed: (port: number) => void,
  ) {}

  /** @param foundAt ms since the epoch */
  add(port: number, foundAt: number): void {
    this.found.delete(port);
    this.found.set(port, { foundAt, triedAt: this.monotonic() });
  }

  /** It has been bound, or is about to be tried. */
  delete(port: number): void {
    this.found.delete(port);
  }

  has(port: number): boolean {
    return this.found.has(port);
  }

  list(): ForeignPort[] {
    this.expire();
    return [...this.found].map(([port, { foundAt }]) => ({ port, foundAt }));
  }

  /** An agent that waits is worth an attempt on a port that may be free again. */
  *retryable(): Generator<number> {
    const latest = this.monotonic() - FOREIGN_RETRY_MS;
    for (const [port, { triedAt }] of this.found) if (triedAt <= latest) yield port;
  }

  expire(): void {
    const latest = this.monotonic() - this.foreignMs;
    for (const [port, { triedAt }] of this.found) {
      if (triedAt > latest) return;
      this.found.delete(port);
      this.freed(port);
    }
  }
}
