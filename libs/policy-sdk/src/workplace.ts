/**
 * Room for handlers at work, of all connections together, and the bounded queue
 * for it. A handler that answers at once takes none.
 */
export class Workplace {
  #working = 0;
  #queued = 0;
  #held = 0;
  #crowded = false;
  readonly #waiting: (() => void)[] = [];

  /** @param onCrowded whether questions wait for room has changed */
  constructor(
    private readonly places: number,
    private readonly maxWaiting: number,
    private readonly onCrowded: (crowded: boolean) => void,
  ) {}

  get working(): number {
    return this.#working;
  }

  get queued(): number {
    return this.#queued;
  }

  get free(): boolean {
    return this.#held === 0 && this.#working < this.places && this.#waiting.length === 0;
  }

  /** Takes a place in the queue, whoever keeps it. */
  mayWait(): boolean {
    if (this.#queued >= this.maxWaiting) return false;
    this.#queued += 1;
    return true;
  }

  leaveQueue(count: number): void {
    this.#queued -= count;
  }

  /** Begins when there is room, in its turn; after {@link mayWait}. */
  wait(begin: () => void): void {
    this.#waiting.push(begin);
    this.#tell();
  }

  enter(): void {
    this.#working += 1;
  }

  leave(): void {
    this.#working -= 1;
    this.#advance();
  }

  /** Nothing begins until as many {@link release} were called. */
  hold(): void {
    this.#held += 1;
  }

  release(): void {
    this.#held -= 1;
    this.#advance();
  }

  #advance(): void {
    while (this.#held === 0 && this.#working < this.places) {
      const begin = this.#waiting.shift();
      if (begin === undefined) break;
      this.#queued -= 1;
      begin();
    }
    this.#tell();
  }

  #tell(): void {
    const crowded = this.#waiting.length > 0;
    if (crowded === this.#crowded) return;
    this.#crowded = crowded;
    this.onCrowded(crowded);
  }
}
