/** Time constant of the decay, ms. */
const DECAY_MS = 5000;
/** The same for silence while exchanges are under way: it may be a stall, or a stream that is open for hours. */
const BUSY_DECAY_MS = 20_000;
/** With each quicker answer at most this part of the difference is left: a pause that is over is forgotten in some twenty. */
const LEFT_PER_ANSWER = 0.9;
/** A pick forgives silence in steps of this, ms: an exponential per pick would cost more than the rest of it. */
const STEP_MS = 50;
/** For one that has exchanges under way and has never answered any, ms: one at a time shows what it is worth. */
const UNKNOWN_MS = 1000;

/**
 * How long a connection takes to answer, as one who has to choose sees it
 * (peak-EWMA): it rises at once with a slow answer, and falls with each quick
 * one, or slowly with time, so that who was slow is tried again.
 */
export class PeakLatency {
  private ms = 0;
  private at = -Infinity;

  /** @param now monotonic ms */
  observe(latencyMs: number, now: number): void {
    if (latencyMs >= this.ms) this.ms = latencyMs;
    else {
      const left = Math.min(LEFT_PER_ANSWER, Math.exp((this.at - now) / DECAY_MS));
      this.ms = latencyMs + (this.ms - latencyMs) * left;
    }
    this.at = now;
  }

  /**
   * @param busy exchanges are under way
   * @returns ms
   */
  valueAt(now: number, busy: boolean): number {
    if (this.at === -Infinity) return busy ? UNKNOWN_MS : 0;
    const silentMs = now - this.at;
    if (silentMs > STEP_MS) {
      this.ms *= Math.exp(-silentMs / (busy ? BUSY_DECAY_MS : DECAY_MS));
      this.at = now;
    }
    return this.ms;
  }
}
