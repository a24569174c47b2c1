import type { InvocationReply } from '../invocation/invocation.js';
import type { Deadlines, Expiring } from '../runtime/deadlines.js';
import { ownReply } from '../runtime/isolation.js';
import type { RememberedReply } from './object-store.js';
import { steadyNow } from '../runtime/clock.js';

/** A remembered reply until its time is over. */
export class ReplyEntry implements Expiring {
  heapIndex = -1;

  constructor(
    readonly home: MemoryReplies,
    readonly idempotencyKey: string,
    readonly reply: InvocationReply,
    readonly deadline: number,
  ) {}
}

/** Bytes of all remembered replies of a store; when there are too many, those that are due first go. */
export class ReplyBudget {
  private bytes = 0;

  /**
   * @param limit bytes of payload, 1..
   * @param expiry removes entries whose time is over, see {@link ReplyEntry.home}
   */
  constructor(
    private readonly limit: number,
    readonly expiry: Deadlines<ReplyEntry>,
  ) {}

  add(entry: ReplyEntry): void {
    this.bytes += sizeOf(entry);
    this.expiry.add(entry);
    for (let first = this.expiry.first; first !== undefined && this.bytes > this.limit; first = this.expiry.first) {
      this.remove(first);
      first.home.expire(first);
    }
  }

  remove(entry: ReplyEntry): void {
    this.bytes -= sizeOf(entry);
    this.expiry.remove(entry);
  }

  /** It has expired by itself. */
  expired(entry: ReplyEntry): void {
    this.bytes -= sizeOf(entry);
  }
}

function sizeOf({ reply, idempotencyKey }: ReplyEntry): number {
  return (reply.payload?.length ?? 0) + idempotencyKey.length;
}

/** The remembered replies of one object, or of all stateless methods. */
export class MemoryReplies {
  private readonly entries = new Map<string, ReplyEntry>();

  /**
   * @param limit how many are kept; the oldest make room for new ones
   * @param budget of the whole store
   * @param onEmpty called when the last one has expired
   */
  constructor(
    private readonly limit: number,
    private readonly budget: ReplyBudget,
    private readonly onEmpty?: () => void,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  get(idempotencyKey: string): InvocationReply | undefined {
    const entry = this.entries.get(idempotencyKey);
    // The timer may be late.
    return entry === undefined || entry.deadline <= steadyNow() ? undefined : ownReply(entry.reply);
  }

  remember({ idempotencyKey, reply, ttlMs }: RememberedReply): void {
    this.remove(idempotencyKey);
    const entry = new ReplyEntry(this, idempotencyKey, ownReply(reply), steadyNow() + ttlMs);
    this.entries.set(idempotencyKey, entry);
    this.budget.add(entry);
    if (this.entries.size <= this.limit) return;
    for (const oldest of this.entries.keys()) {
      this.remove(oldest);
      return;
    }
  }

  /** The time of an entry is over, or its room is needed. */
  expire(entry: ReplyEntry): void {
    this.entries.delete(entry.idempotencyKey);
    if (this.entries.size === 0) this.onEmpty?.();
  }

  clear(): void {
    for (const entry of this.entries.values()) this.budget.remove(entry);
    this.entries.clear();
  }

  private remove(idempotencyKey: string): void {
    const entry = this.entries.get(idempotencyKey);
    if (entry === undefined) return;
    this.budget.remove(entry);
    this.entries.delete(idempotencyKey);
  }
}
