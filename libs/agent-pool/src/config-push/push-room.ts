/**
 * Bytes of configurations that may be sent and not answered. One that goes to
 * thousands of agents would otherwise stand in the buffers of all their
 * connections in the same moment, which nobody has memory for, and would be
 * made ready for them in one turn of the event loop.
 */
const MOST_BYTES = 16_777_216;
/** What a small one counts as, since sending it costs as well: 256 at once. */
const LEAST_BYTES = 65_536;

/** Whoever has pushes that found no room. */
export interface WaitsForRoom {
  /** There is room again, if nobody before it takes that. */
  step(): void;
}

/** How many pushes may be under way to all agents together. */
export class PushRoom {
  private used = 0;
  /** whoever came first goes first */
  private readonly waiting = new Set<WaitsForRoom>();
  private looking: NodeJS.Immediate | undefined;

  /** @returns false when there is none; `who` is told when there is some again */
  take(bytes: number, who: WaitsForRoom): boolean {
    if (this.used >= MOST_BYTES) {
      this.waiting.add(who);
      return false;
    }
    this.used += Math.max(LEAST_BYTES, bytes);
    return true;
  }

  /** What was taken for a push of so many bytes. */
  give(bytes: number): void {
    this.used -= Math.max(LEAST_BYTES, bytes);
    if (this.waiting.size > 0) this.looking ??= setImmediate(this.look);
  }

  /** It waits no more. */
  forget(who: WaitsForRoom): void {
    this.waiting.delete(who);
  }

  private readonly look = (): void => {
    this.looking = undefined;
    for (const who of this.waiting) {
      if (this.used >= MOST_BYTES) return;
      this.waiting.delete(who);
      who.step();
    }
  };
}
