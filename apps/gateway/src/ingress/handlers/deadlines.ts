/** Something that must make progress. */
export interface Watched {
  /** monotonic ms; compared with {@link Deadlines.now} */
  deadlineAt: number;
  /** place in the list of {@link Deadlines}; {@link UNWATCHED} when it is in none */
  watchIndex: number;
  /** when {@link paceDue} is called, monotonic ms; Infinity: not at all */
  paceAt: number;
  /** told once when the deadline has passed */
  expired(): void;
  /** sets {@link paceAt} anew, or ends itself */
  paceDue(): void;
}

/** {@link Watched.watchIndex} of what is not watched. */
export const UNWATCHED = -1;

const TICK_MS = 250;

/**
 * One timer for all exchanges. A timer per request would be armed and cleared
 * several times in each; here progress is one assignment. No deadline is early,
 * and it is noticed up to two ticks of {@link TICK_MS} late.
 *
 * The list is an array for the reason that `ExchangeTable` gives: a Set that is
 * added to and deleted from at this rate keeps garbage alive.
 */
export class Deadlines {
  private readonly watched: Watched[] = [];
  private timer: NodeJS.Timeout | undefined;
  private tickedAt = performance.now();
  private excused = false;

  constructor(private readonly tickMs = TICK_MS) {}

  /** Monotonic ms, at most one tick ahead while something is watched: what counts from here is never over too early. */
  get now(): number {
    return this.tickedAt + this.tickMs;
  }

  get size(): number {
    return this.watched.length;
  }

  /**
   * @param entry not watched yet; its deadline counts from now
   * @param timeoutMs until {@link Watched.expired}
   */
  watch(entry: Watched, timeoutMs: number): void {
    if (this.timer === undefined) {
      this.tickedAt = performance.now();
      this.timer = setInterval(this.tick, this.tickMs);
      this.timer.unref();
    }
    entry.deadlineAt = this.now + timeoutMs;
    entry.watchIndex = this.watched.length;
    this.watched.push(entry);
  }

  /** Idempotent. */
  unwatch(entry: Watched): void {
    const { watchIndex } = entry;
    if (watchIndex === UNWATCHED) return;
    entry.watchIndex = UNWATCHED;
    const last = this.watched.pop() as Watched;
    if (last === entry) return;
    this.watched[watchIndex] = last;
    last.watchIndex = watchIndex;
  }

  /**
   * Judges at the end of the turn: when this process has not run for a while,
   * timers come first, and what arrived meanwhile has yet to be read. After a
   * pause of a tick and more it judges at the next tick instead: the machine
   * stood still, and with it perhaps whoever is waited for.
   */
  private readonly tick = (): void => {
    const now = performance.now();
    const paused = now - this.tickedAt > 2 * this.tickMs;
    this.tickedAt = now;
    // Once, or a process that is always late would end nothing.
    this.excused = paused && !this.excused;
    if (!this.excused) setImmediate(this.judge);
  };

  private readonly judge = (): void => {
    const { tickedAt } = this;
    const due = this.watched.filter(({ deadlineAt, paceAt }) => deadlineAt <= tickedAt || paceAt <= tickedAt);
    for (const entry of due) {
      // One that expired may have ended others.
      if (entry.watchIndex === UNWATCHED) continue;
      if (entry.deadlineAt > tickedAt) {
        entry.paceDue();
        continue;
      }
      this.unwatch(entry);
      entry.expired();
    }
    if (this.watched.length > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  };
}
