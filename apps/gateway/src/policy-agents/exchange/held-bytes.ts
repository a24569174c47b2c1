/** Bytes that all exchanges together may hold for policy agents that want to see more before they decide. */
export class HeldBytes {
  private taken = 0;

  constructor(
    /** may change at any time */
    public most: number,
  ) {}

  get bytes(): number {
    return this.taken;
  }

  /** @returns false when there is no room for so many more; none are taken then */
  take(bytes: number): boolean {
    if (this.taken + bytes > this.most) return false;
    this.taken += bytes;
    return true;
  }

  release(bytes: number): void {
    this.taken -= bytes;
  }
}
