import type { Refusal } from './refusals.js';

/** What waits for its turn. */
export interface Waiting {
  /** @returns false: it does not run, because nobody waits for it any more */
  run(): boolean;
  /** it will not run */
  refuse(refusal: Refusal): void;
}

/**
 * Lets `maxRunning` calls run at once and `maxWaiting` wait, first come first
 * served. It is told of each end, so that it needs no promise of its own.
 */
export class Admission {
  private running = 0;
  private readonly waiting = new Set<Waiting>();
  private idle: (() => void) | undefined;

  constructor(
    private readonly maxRunning: number,
    private readonly maxWaiting: number,
  ) {}

  /** @returns `run`: at once; `wait`: {@link Waiting.run} will be called, unless it leaves before; `full` */
  enter(call: Waiting): 'run' | 'wait' | 'full' {
    if (this.running < this.maxRunning) {
      this.running += 1;
      return 'run';
    }
    if (this.waiting.size >= this.maxWaiting) return 'full';
    this.waiting.add(call);
    return 'wait';
  }

  /** A call that waited does so no more. @returns whether it did wait */
  leave(call: Waiting): boolean {
    return this.waiting.delete(call);
  }

  /** A call that ran has ended; the next one runs in its place. */
  ended(): void {
    for (const next of this.waiting) {
      this.waiting.delete(next);
      if (next.run()) return;
    }
    this.running -= 1;
    if (this.running === 0) this.idle?.();
  }

  /** Refuses what waits. */
  refuseWaiting(refusal: Refusal): void {
    for (const call of this.waiting) {
      this.waiting.delete(call);
      call.refuse(refusal);
    }
  }

  /** Resolves when nothing runs or waits. */
  whenIdle(): Promise<void> {
    if (this.running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.idle = resolve;
    });
  }

  get counts(): { readonly running: number; readonly waiting: number } {
    return { running: this.running, waiting: this.waiting.size };
  }
}
