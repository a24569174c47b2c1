/** Clients that are remembered; who comes on top of them displaces the one that has asked the longest ago. */
export const MAX_CLIENTS = 65_536;

export interface Taken {
  readonly granted: boolean;
  /** whole tokens that are left */
  readonly left: number;
  /** until there is one, ms; 0 when granted */
  readonly waitMs: number;
  /** until the bucket is full again, ms */
  readonly fullMs: number;
}

/**
 * A token bucket per client, kept as one number: when it will be full again
 * (the generic cell rate algorithm, ITU-T I.371). Bounded by {@link MAX_CLIENTS}.
 */
export class TokenBuckets {
  private readonly fullAt = new Map<string, number>();
  private readonly perTokenMs: number;

  /**
   * @param perSecond tokens that come back
   * @param size tokens of a full bucket
   */
  constructor(
    perSecond: number,
    private readonly size: number,
  ) {
    this.perTokenMs = 1000 / perSecond;
  }

  /** @param now monotonic ms */
  take(client: string, now: number): Taken {
    const { perTokenMs, size } = this;
    const debtMs = Math.max(0, (this.fullAt.get(client) ?? 0) - now);
    const after = debtMs + perTokenMs;
    // Rounding must not take the last token away.
    const excessMs = after - size * perTokenMs;
    const granted = excessMs <= 1e-6;
    // Again at the end: the first in the map is whoever has asked the longest ago.
    this.fullAt.delete(client);
    this.fullAt.set(client, now + (granted ? after : debtMs));
    if (this.fullAt.size > MAX_CLIENTS) this.forgetOne();
    if (!granted) return { granted, left: 0, waitMs: excessMs, fullMs: debtMs };
    return { granted, left: Math.floor(size - after / perTokenMs + 1e-6), waitMs: 0, fullMs: after };
  }

  get clients(): number {
    return this.fullAt.size;
  }

  private forgetOne(): void {
    for (const client of this.fullAt.keys()) {
      this.fullAt.delete(client);
      return;
    }
  }
}
