const BUCKETS = 10;

export interface RetryBudgetOptions {
  /** retries allowed for each request, 0 … 1 */
  share: number;
  /** retries that are always allowed in a window, so that few requests may be tried again as well */
  atLeast: number;
  /** over which both count, ms */
  windowMs: number;
}

/**
 * How much may be tried again: a share of the requests of the last seconds.
 * When everything fails, retries would otherwise double
 * the load on whatever is left.
 */
export class RetryBudget {
  private readonly requests = new Float64Array(BUCKETS);
  private readonly retries = new Float64Array(BUCKETS);
  private bucket = 0;

  /** @param now monotonic ms */
  constructor(
    private readonly options: Readonly<RetryBudgetOptions>,
    private readonly now: () => number,
  ) {
    this.bucket = this.bucketNow();
  }

  /** To be called with each request, not with its retries. */
  requested(): void {
    this.turn();
    count(this.requests, this.bucket);
  }

  /** @returns whether a retry may be made; it counts from then on */
  take(): boolean {
    this.turn();
    const { share, atLeast } = this.options;
    const allowed = Math.max(atLeast, share * total(this.requests));
    if (total(this.retries) + 1 > allowed) return false;
    count(this.retries, this.bucket);
    return true;
  }

  private bucketNow(): number {
    return Math.floor((this.now() * BUCKETS) / this.options.windowMs);
  }

  /** Empties the buckets whose time has come again. */
  private turn(): void {
    const current = this.bucketNow();
    for (let next = Math.max(this.bucket + 1, current - BUCKETS + 1); next <= current; next += 1) {
      this.requests[next % BUCKETS] = this.retries[next % BUCKETS] = 0;
    }
    this.bucket = current;
  }
}

function count(buckets: Float64Array, bucket: number): void {
  const index = bucket % BUCKETS;
  buckets[index] = (buckets[index] ?? 0) + 1;
}

function total(buckets: Float64Array): number {
  return buckets.reduce((sum, its) => sum + its, 0);
}
