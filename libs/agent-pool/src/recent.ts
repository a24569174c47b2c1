/** Time constant of the decay, ms. */
const DECAY_MS = 15_000;
/** In steps of this, ms: an exponential per look would cost more than the rest of a pick. */
const STEP_MS = 100;

/**
 * Answers, failures and their latency of about the last 15 seconds: sums that
 * decay with time, in place of a window of single values.
 */
export class Recent {
  private requestSum = 0;
  private errorSum = 0;
  private latencySum = 0;
  private at = 0;

  /**
   * @param latencyMs until the head of the answer, or the failure
   * @param now monotonic ms
   */
  observe(latencyMs: number, failed: boolean, now: number): void {
    this.decay(now);
    this.requestSum += 1;
    if (failed) this.errorSum += 1;
    else this.latencySum += latencyMs;
  }

  /** Counted requests. */
  requests(now: number): number {
    this.decay(now);
    return this.requestSum;
  }

  errors(now: number): number {
    this.decay(now);
    return this.errorSum;
  }

  /** Sum of the latencies of those that were answered, ms. */
  latencies(now: number): number {
    this.decay(now);
    return this.latencySum;
  }

  /** 0 … 1. One request too many is counted, so that who gets none any more is forgiven with time. */
  errorRate(now: number): number {
    return this.errors(now) / (this.requestSum + 1);
  }

  clear(): void {
    this.requestSum = this.errorSum = this.latencySum = 0;
  }

  private decay(now: number): void {
    const passedMs = now - this.at;
    if (passedMs < STEP_MS) return;
    this.at = now;
    const factor = Math.exp(-passedMs / DECAY_MS);
    this.requestSum *= factor;
    this.errorSum *= factor;
    this.latencySum *= factor;
  }
}
