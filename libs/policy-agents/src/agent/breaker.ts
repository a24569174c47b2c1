import { Recent } from '@berth/agent-pool';
import type { BreakerState } from '../managed.js';

export interface BreakerOptions {
  /** after which it opens, in a row, or when they are half of the questions of about 15 s; 0: never */
  readonly failures: number;
  /** until one question is let through again, ms */
  readonly openMs: number;
}

/** Keeps questions away from an agent that failed too often, and lets one through now and then. */
export class Breaker {
  state: BreakerState = 'closed';
  /** how often it opened */
  opened = 0;
  private inRow = 0;
  private readonly recent = new Recent();
  private reopensAt = 0;
  private probing = false;

  /**
   * @param changed told of each change
   * @param now monotonic ms
   */
  constructor(
    private readonly options: BreakerOptions,
    private readonly changed: (state: BreakerState) => void,
    private readonly now: () => number,
  ) {}

  /**
   * Whether a question may be asked. While it is half open one may; its end is to be said by
   * {@link succeeded}, {@link failed} or {@link released}.
   */
  admits(): boolean {
    if (this.state === 'closed') return true;
    if (this.state === 'open') {
      if (this.now() < this.reopensAt) return false;
      this.become('halfOpen');
    }
    if (this.probing) return false;
    this.probing = true;
    return true;
  }

  /** @param now monotonic ms */
  succeeded(now: number): void {
    this.inRow = 0;
    this.recent.observe(0, false, now);
    // One that was asked before it opened says nothing new.
    if (this.state === 'halfOpen') this.close();
  }

  /** Also of an answer that counted as a success before it showed that it was of no use. */
  failed(): void {
    const now = this.now();
    this.inRow += 1;
    this.recent.observe(0, true, now);
    if (this.state === 'open' || !(this.state === 'halfOpen' || this.isTooMuch(now))) return;
    this.opened += 1;
    this.reopensAt = now + this.options.openMs;
    this.become('open');
  }

  /** What {@link admits} let through while half open ended without saying anything of the agent. */
  released(): void {
    this.probing = false;
  }

  /** Begins anew. */
  close(): void {
    this.inRow = 0;
    this.recent.clear();
    if (this.state !== 'closed') this.become('closed');
  }

  private isTooMuch(now: number): boolean {
    const { failures } = this.options;
    if (failures === 0) return false;
    const errors = this.recent.errors(now);
    return this.inRow >= failures || (errors >= failures && 2 * errors >= this.recent.requests(now));
  }

  private become(state: BreakerState): void {
    this.state = state;
    this.probing = false;
    this.changed(state);
  }
}
