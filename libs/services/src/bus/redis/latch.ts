/** Something that is so or not, and can be waited for. */
export class Latch {
  /**
   * Waits until all are so at the same time: one may end while another one comes.
   *
   * @param timeoutMs from 0
   * @param ended looked at whenever one changes; then nothing more is waited for
   */
  static async all(latches: readonly Latch[], timeoutMs: number, ended: () => boolean): Promise<void> {
    const until = performance.now() + timeoutMs;
    const missing = (): Latch | undefined => latches.find((latch) => !latch.is);
    for (let latch = missing(); latch !== undefined && !ended(); latch = missing()) {
      const leftMs = until - performance.now();
      if (leftMs <= 0) return;
      await latch.wait(leftMs);
    }
  }

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
