/** Bytes that may be held at a time, all of one purpose together. */
export class ByteBudget {
  private held = 0;

  constructor(readonly limit: number) {}

  get used(): number {
    return this.held;
  }

  /** Nothing more should come in. */
  get spent(): boolean {
    return this.held >= this.limit;
  }

  /** @returns false when so many are not left; nothing is taken then */
  take(bytes: number): boolean {
    if (this.held + bytes > this.limit) return false;
    this.held += bytes;
    return true;
  }

  /** Takes what is here already, whatever is left. */
  force(bytes: number): void {
    this.held += bytes;
  }

  give(bytes: number): void {
    this.held -= bytes;
  }
}
