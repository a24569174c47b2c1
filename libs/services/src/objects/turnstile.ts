import { ServicesError } from '../errors.js';
import type { CallLimits } from '../invocation/call-limits.js';

/** Lets one through at a time, in order of arrival. */
export class Turnstile {
  #busy = false;
  readonly #waiting: (() => void)[] = [];

  get idle(): boolean {
    return !this.#busy;
  }

  /**
   * Resolves when it is the caller's turn, who then owes a {@link leave};
   * `undefined`: it is now. One whose deadline comes, or whose caller leaves,
   * gives its place up.
   *
   * @param most how many may wait, 0..
   * @throws ServicesError `BERTH_SERVICE_BUSY`, `BERTH_SERVICE_TIMEOUT`, `BERTH_SERVICE_CANCELLED`
   */
  enter(most: number, limits?: CallLimits): Promise<void> | undefined {
    if (!this.#busy) {
      this.#busy = true;
      return undefined;
    }
    if (this.#waiting.length >= most)
      throw new ServicesError('BERTH_SERVICE_BUSY', `${most} calls wait for this object already (maxQueuedPerObject)`);
    return new Promise((resolve, reject) => {
      const proceed = (): void => {
        stopWatching?.();
        resolve();
      };
      const giveUp = (reason: ServicesError): void => {
        const at = this.#waiting.indexOf(proceed);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        reject(reason);
      };
      this.#waiting.push(proceed);
      const stopWatching = limits?.watch(giveUp, 'the call still waited for its object');
    });
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy = false;
    else next();
  }
}
