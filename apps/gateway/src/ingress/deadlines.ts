/** Something that must make progress. */
export interface Watched {
  /** monotonic ms; compared with {@link Deadlines.now} */
  deadlineAt: number;
  /** told once when the deadline has passed */
  expired(): void;
}

const TICK_MS = 250;

/**
 * One timer for all exchanges. A timer per request would be armed and cleared
 * several times in each; here progress is one assignment, and a deadline is
 * noticed up to {@link TICK_MS} late.
 */
export class Deadlines {
  private readonly watched = new Set<Watched>();
  private timer: NodeJS.Timeout | undefined;
  /** monotonic ms, as of the last tick */
  now = performance.now();

  constructor(private readonly tickMs = TICK_MS) {}

  watch(entry: Watched): void {
    if (this.timer === undefined) {
      this.now = performance.now();
      this.timer = setInterval(this.tick, this.tickMs);
      this.timer.unref();
    }
    this.watched.add(entry);
  }

  unwatch(entry: Watched): void {
    this.watched.delete(entry);
  }

  private readonly tick = (): void => {
    this.now = performance.now();
    for (const entry of this.watched) {
      if (entry.deadlineAt > this.now) continue;
      this.watched.delete(entry);
      entry.expired();
    }
    if (this.watched.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  };
}
