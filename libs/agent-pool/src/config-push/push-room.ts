/**
 * Bytes of configurations that may be sent and not answered. One that goes to
 * thousands of agents would otherwise stand in the buffers of all their
 * connections in the same moment, which nobody has memory for.
 */
const MOST_BYTES = 16_777_216;
/** Of them, what is sent in one turn of the event loop: some 10 ms. */
const TURN_BYTES = 2_097_152;
/** What a small one counts as, since sending it costs as well: 256 may wait for an answer, and 32 are sent in a turn. */
const LEAST_BYTES = 65_536;

/** Whoever has pushes that found no room. */
export interface WaitsForRoom {
  /** There is room again, if nobody before it takes that. */
  step(): void;
}

/** How many pushes may be under way to all agents together. */
export class PushRoom {
  private used = 0;
  private usedInTurn = 0;
  /** whoever came first goes first */
  private readonly waiting = new Set<WaitsForRoom>();
  private looking: NodeJS.Immediate | undefined;

  /** @returns false when there is none; `who` is told when there is some again */
  take(bytes: number, who: WaitsForRoom): boolean {
    if (this.isFull || this.usedInTurn >= TURN_BYTES) {
      this.waiting.add(who);
      this.lookSoon();
      return false;
    }
    const counted = Math.max(LEAST_BYTES, bytes);
    this.used += counted;
    this.usedInTurn += counted;
    return true;
  }

  /** What was taken for a push of so many bytes. */
  give(bytes: number): void {
    this.used -= Math.max(LEAST_BYTES, bytes);
    this.lookSoon();
  }

  /** It waits no more. */
  forget(who: WaitsForRoom): void {
    this.waiting.delete(who);
  }

  private get isFull(): boolean {
    return this.used >= MOST_BYTES;
  }

  private lookSoon(): void {
    if (this.waiting.size > 0 && !this.isFull) this.looking ??= setImmediate(this.look);
  }

  private readonly look = (): void => {
    this.looking = undefined;
    this.usedInTurn = 0;
    for (const who of this.waiting) {
      if (this.isFull || this.usedInTurn >= TURN_BYTES) break;
      this.waiting.delete(who);
      who.step();
    }
    this.lookSoon();
  };
}
