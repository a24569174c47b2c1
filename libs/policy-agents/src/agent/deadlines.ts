/** What ends at a time of its own. */
export interface Due {
  /** monotonic ms; may be changed while it is kept */
  dueAt: number;
  /** its place among those that are kept, which {@link Deadlines} writes; {@link NOT_KEPT}: it has none */
  dueIndex: number;
  /** Its time has come; it is kept no longer. */
  expire(): void;
}

/** {@link Due.dueIndex} of what is not kept. */
export const NOT_KEPT = -1;

/** Part of the usual time by which an end may be late: how often all are looked at depends on it. */
const SLACK = 1 / 64;
/** Most that it may be late, ms. */
const MAX_SLACK_MS = 50;

/**
 * Deadlines of many questions with one timer. Most are answered long before, so
 * nothing is sorted and no timer is set or cleared for one: when the timer is
 * due all that are left are looked at.
 *
 * They stand in an array: a Set that is added to and deleted from at this rate
 * keeps garbage alive (decision 0010).
 */
export class Deadlines {
  private readonly all: Due[] = [];
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Infinity;
  private readonly slackMs: number;

  /**
   * @param usualMs how long most last
   * @param now monotonic ms
   */
  constructor(
    usualMs: number,
    private readonly now: () => number,
  ) {
    this.slackMs = Math.max(1, Math.min(MAX_SLACK_MS, usualMs * SLACK));
  }

  get size(): number {
    return this.all.length;
  }

  /** Keeps one, or sees that its time has changed. */
  keep(due: Due): void {
    if (due.dueIndex === NOT_KEPT) due.dueIndex = this.all.push(due) - 1;
    if (due.dueAt < this.timerAt) this.arm(due.dueAt);
  }

  /** Idempotent. */
  drop(due: Due): void {
    const { all } = this;
    const { dueIndex } = due;
    if (dueIndex === NOT_KEPT) return;
    due.dueIndex = NOT_KEPT;
    const last = all.pop() as Due;
    if (last === due) return;
    all[dueIndex] = last;
    last.dueIndex = dueIndex;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timerAt = Infinity;
  }

  private arm(at: number): void {
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(this.look, Math.max(0, Math.ceil(at - this.now())));
    this.timer.unref();
  }

  private readonly look = (): void => {
    this.timerAt = Infinity;
    const now = this.now();
    const late: Due[] = [];
    let next = Infinity;
    for (const due of this.all) {
      if (due.dueAt <= now) late.push(due);
      else next = Math.min(next, due.dueAt);
    }
    if (next < Infinity) this.arm(Math.max(next, now + this.slackMs));
    for (const due of late) {
      // An earlier one may have ended or put off this one.
      if (due.dueAt > now || due.dueIndex === NOT_KEPT) continue;
      this.drop(due);
      due.expire();
    }
  };
}
