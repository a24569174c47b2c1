/** How often something may be done: a number at once, and so many per second on average. */
export class Allowance {
  private left: number;
  private countedAt: number;

  /** @param now monotonic ms */
  constructor(
    private readonly perSecond: number,
    private readonly atOnce: number,
    private readonly now: () => number,
  ) {
    this.left = atOnce;
    this.countedAt = now();
  }

  /** @returns false when it was done too often */
  take(): boolean {
    const now = this.now();
    this.left = Math.min(this.atOnce, this.left + ((now - this.countedAt) / 1000) * this.perSecond);
    this.countedAt = now;
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}
