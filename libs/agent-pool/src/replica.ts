import { hashOf } from './affinity/rendezvous.js';

/** Part of its turns that a newcomer takes at first. */
const FIRST_SHARE = 0.1;

/**
 * One process behind the connections of an agent. A newcomer beside others
 * starts slowly: of its turns it takes a part that grows with time, so that
 * nobody falls upon a process that has not warmed up.
 */
export class Replica {
  /** in the pool */
  connections = 0;
  /** an operator's word keeps exchanges away */
  drained = false;
  private startedAt = 0;
  private startMs = 0;
  private credit = 0;

  /** its place for keys that belong to one replica */
  readonly hash: number;

  constructor(readonly id: string) {
    this.hash = hashOf(id);
  }

  /**
   * Begins a slow start.
   *
   * @param forMs until it takes all its turns, ms; 0: at once
   * @param now monotonic ms
   */
  startSlowly(forMs: number, now: number): void {
    this.startedAt = now;
    this.startMs = forMs;
    this.credit = 0;
  }

  get starting(): boolean {
    return this.startMs > 0;
  }

  /** Whether it takes this turn; to be asked once for each, while it is {@link starting}. */
  takesTurn(now: number): boolean {
    const passed = (now - this.startedAt) / this.startMs;
    if (passed >= 1) {
      this.startMs = 0;
      return true;
    }
    this.credit += FIRST_SHARE + (1 - FIRST_SHARE) * passed;
    if (this.credit < 1) return false;
    this.credit -= 1;
    return true;
  }
}
