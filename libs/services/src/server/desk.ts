import { setTimeout as sleep } from 'node:timers/promises';
import { QUEUE_FULL, type Refusal, STOPPING } from './refusals.js';

/** A call of the function server, wherever it came from. */
export interface DeskCall {
  /** @returns false: it does not run, because nobody waits for it any more */
  run(): boolean;
  /** It will not run. */
  refuse(refusal: Refusal): void;
  /** Its method has not ended in time, and counts no more. */
  cutOff(): void;
}

/**
 * Lets `maxRunning` calls run at once and `maxWaiting` wait, first come first
 * served. It is told of each end, so that it needs no promise of its own.
 */
export class Desk {
  readonly #running = new Set<DeskCall>();
  readonly #waiting = new Set<DeskCall>();
  #idle: (() => void) | undefined;

  constructor(
    private readonly maxRunning = Infinity,
    private readonly maxWaiting = 0,
  ) {}

  /** Runs a call, lets it wait, or refuses it. */
  enter(call: DeskCall): void {
    if (this.#running.size < this.maxRunning) this.#begin(call);
    else if (this.#waiting.size < this.maxWaiting) this.#waiting.add(call);
    else call.refuse(QUEUE_FULL);
  }

  /** A call that waited does so no more. @returns whether it did wait */
  leave(call: DeskCall): boolean {
    return this.#waiting.delete(call);
  }

  /** A call that ran has ended, unless it was cut off before; the next one runs in its place. */
  ended(call: DeskCall): void {
    if (!this.#running.delete(call)) return;
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      if (this.#begin(next)) return;
    }
    if (this.#running.size === 0) this.#idle?.();
  }

  /**
   * Resolves when nothing runs or waits. What does after `timeoutMs` is cut off or refused.
   *
   * @param late told how many calls that will be
   */
  async drain(timeoutMs: number, late?: (counts: Desk['counts']) => void): Promise<void> {
    if (this.#running.size === 0) return;
    const idle = new Promise<void>((resolve) => (this.#idle = resolve));
    if (await within(timeoutMs, idle)) return;
    late?.(this.counts);
    const [running, waiting] = [[...this.#running], [...this.#waiting]];
    this.#running.clear();
    this.#waiting.clear();
    for (const call of waiting) call.refuse(STOPPING);
    for (const call of running) call.cutOff();
  }

  get counts(): { readonly running: number; readonly waiting: number } {
    return { running: this.#running.size, waiting: this.#waiting.size };
  }

  #begin(call: DeskCall): boolean {
    this.#running.add(call);
    if (call.run()) return true;
    this.#running.delete(call);
    return false;
  }
}

/** @returns whether it came in time */
export async function within(timeoutMs: number, event: Promise<unknown>): Promise<boolean> {
  const came = new AbortController();
  try {
    return await Promise.race([event.then(() => true), sleep(timeoutMs, false, { signal: came.signal })]);
  } finally {
    came.abort();
  }
}
