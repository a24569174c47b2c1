import { ServicesError } from '../errors.js';

/** Lets one through at a time, in order of arrival. */
export class Turnstile {
  #busy = false;
  readonly #waiting: (() => void)[] = [];

  get idle(): boolean {
    return !this.#busy;
  }

  /**
   * Resolves when it is the caller's turn, who then owes a {@link leave}.
   *
   * @param most how many may wait, 0..
   * @throws ServicesError `BERTH_SERVICE_BUSY`
   */
  enter(most: number): Promise<void> | undefined {
    if (!this.#busy) {
      this.#busy = true;
      return undefined;
    }
    if (this.#waiting.length >= most)
      throw new ServicesError('BERTH_SERVICE_BUSY', `${most} calls wait for this object already (maxQueuedPerObject)`);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy = false;
    else next();
  }
}
