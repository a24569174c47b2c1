/** Something that is so or not, and can be waited for. */
export class Latch {
  #is = false;
  readonly #waiting = new Set<() => void>();

  get is(): boolean {
    return this.#is;
  }

  set(is: boolean): void {
    this.#is = is;
    if (is) this.release();
  }

  /** Ends all waiting, whether it is so or not. */
  release(): void {
    for (const done of this.#waiting) done();
  }

  /** @returns whether it was so within the time, ms */
  wait(timeoutMs: number): Promise<boolean> {
    if (this.#is) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve(this.#is);
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiting.add(done);
    });
  }
}
