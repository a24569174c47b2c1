import type { Delivery, Invocation } from '../../invocation/invocation.js';
import { invocationKey } from '../../invocation/keys.js';
import type { DeadLetter } from '../invocation-bus.js';
import { lendInvocation } from '../../runtime/isolation.js';

/** What is kept of a call that nobody could complete. */
export type Undelivered = {
  readonly invocation: Invocation;
  readonly delivery: Delivery;
  /** deliveries begun */
  readonly attempt: number;
};

/** The dead letters of one service in one partition. The oldest make room for new ones. */
export class DeadLetters {
  private readonly letters = new Map<string, DeadLetter>();
  private bytes = 0;
  private count = 0;

  /**
   * @param limit how many are kept
   * @param maxBytes of payload in all of them; the newest stays in any case
   */
  constructor(
    private readonly limit: number,
    private readonly maxBytes: number,
  ) {}

  add(call: Undelivered, reason: DeadLetter['reason'], message?: string): void {
    const { invocation, delivery, attempt } = call;
    const id = String(++this.count);
    const at = new Date().toISOString();
    this.letters.set(id, {
      id,
      key: invocationKey(invocation),
      invocation,
      delivery,
      attempts: attempt,
      reason,
      message,
      at,
    });
    this.bytes += invocation.payload.length;
    for (const oldest of this.letters.keys()) {
      if (this.letters.size <= this.limit && (this.bytes <= this.maxBytes || this.letters.size === 1)) break;
      this.remove(oldest);
    }
  }

  list(limit: number): DeadLetter[] {
    const letters: DeadLetter[] = [];
    for (const letter of this.letters.values()) {
      if (letters.length >= limit) break;
      letters.push({ ...letter, invocation: lendInvocation(letter.invocation) });
    }
    return letters;
  }

  remove(id: string): boolean {
    const letter = this.letters.get(id);
    if (letter === undefined) return false;
    this.bytes -= letter.invocation.payload.length;
    return this.letters.delete(id);
  }
}
