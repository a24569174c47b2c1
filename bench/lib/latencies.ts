/** Buckets for each e-fold: a value is known to about 1 %. */
const RESOLUTION = 100;
/** From 0.01 µs to about 1,000 s. */
const BUCKETS = 2600;
const LOWEST = Math.log(0.01);

/**
 * Latencies of a helper that is measured itself: counting one costs next to
 * nothing, and nothing is kept that the collector would have to look after.
 */
export class Latencies {
  count = 0;
  private readonly buckets = new Uint32Array(BUCKETS);

  add(micros: number): void {
    const bucket = Math.floor((Math.log(micros) - LOWEST) * RESOLUTION);
    const nearest = Math.min(Math.max(bucket, 0), BUCKETS - 1);
    this.buckets[nearest] = (this.buckets[nearest] ?? 0) + 1;
    this.count += 1;
  }

  /** @param share 0.99 for p99. @returns µs, NaN when there are none */
  quantile(share: number): number {
    let left = Math.ceil(this.count * share);
    if (left === 0) return NaN;
    const bucket = this.buckets.findIndex((count) => (left -= count) <= 0);
    return Math.exp((bucket + 0.5) / RESOLUTION + LOWEST);
  }
}
