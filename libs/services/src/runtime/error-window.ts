import { steadyNow } from './clock.js';

/** How far back the health check looks, ms, at least; at most twice that. */
export const WINDOW_MS = 60_000;

/**
 * Calls and errors of the last one to two minutes, in two halves that take
 * turns: constant memory, and no timer.
 */
export class ErrorWindow {
  #started = 0;
  #calls = 0;
  #errors = 0;
  #earlierCalls = 0;
  #earlierErrors = 0;

  add(failed: boolean, now = steadyNow()): void {
    this.#turn(now);
    this.#calls += 1;
    if (failed) this.#errors += 1;
  }

  /** @returns what was seen of late */
  read(now = steadyNow()): { calls: number; errors: number } {
    this.#turn(now);
    return { calls: this.#calls + this.#earlierCalls, errors: this.#errors + this.#earlierErrors };
  }

  #turn(now: number): void {
    const age = now - this.#started;
    if (age < WINDOW_MS) return;
    const recent = age < 2 * WINDOW_MS;
    this.#earlierCalls = recent ? this.#calls : 0;
    this.#earlierErrors = recent ? this.#errors : 0;
    this.#calls = 0;
    this.#errors = 0;
    this.#started = now;
  }
}
