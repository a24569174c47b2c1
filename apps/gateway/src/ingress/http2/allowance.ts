/** So many at once, and so many more in each second: what is left comes back with time. */
export class Allowance {
  private left: number;
  private at: number;

  /**
   * @param burst at once
   * @param perSecond that come back
   * @param now monotonic, ms
   */
  constructor(
    private readonly burst: number,
    private readonly perSecond: number,
    now: number,
  ) {
    this.left = burst;
    this.at = now;
  }

  /** @returns whether there were as many; if not, what there was is gone */
  take(count: number, now: number): boolean {
    this.left = Math.min(this.burst, this.left + ((now - this.at) * this.perSecond) / 1000) - count;
    this.at = now;
    if (this.left >= 0) return true;
    this.left = 0;
    return false;
  }
}
