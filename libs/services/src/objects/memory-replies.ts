import type { InvocationReply } from '../invocation/invocation.js';
import { steadyNow } from '../runtime/clock.js';
import { Deadlines, type Expiring } from '../runtime/deadlines.js';
import { ownReply } from '../runtime/isolation.js';
import type { RememberedReply } from './object-store.js';

/** A remembered reply until its time is over. */
class Entry implements Expiring {
  heapIndex = -1;

  constructor(
    /** of whom it is */
    readonly home: string,
    readonly idempotencyKey: string,
    readonly reply: InvocationReply,
    readonly deadline: number,
  ) {}

  get bytes(): number {
    return (this.reply.payload?.length ?? 0) + this.idempotencyKey.length;
  }
}

/** The remembered replies of a store, by whose they are: an object's, or those of all stateless methods. */
export class MemoryReplies {
  /** of each home the oldest first */
  private readonly homes = new Map<string, Map<string, Entry>>();
  // Replies that wait for their end must not keep a process alive.
  private readonly expiry = new Deadlines<Entry>((entry) => this.drop(entry), false);
  private bytes = 0;

  /**
   * @param limit bytes of payload of all; when there are more, those that are due first go
   * @param onEmpty called when the last one of a home has expired
   */
  constructor(
    private readonly limit: number,
    private readonly onEmpty: (home: string) => void,
  ) {}

  get(home: string, idempotencyKey: string): InvocationReply | undefined {
    const entry = this.homes.get(home)?.get(idempotencyKey);
    // The timer may be late.
    return entry === undefined || entry.deadline <= steadyNow() ? undefined : ownReply(entry.reply);
  }

  /** @param most how many of one home are kept; the oldest make room for new ones */
  remember(home: string, { idempotencyKey, reply, ttlMs }: RememberedReply, most: number): void {
    const entries = this.homes.get(home) ?? new Map<string, Entry>();
    this.homes.set(home, entries);
    const earlier = entries.get(idempotencyKey);
    if (earlier !== undefined) this.forget(earlier, entries);
    const entry = new Entry(home, idempotencyKey, ownReply(reply), steadyNow() + ttlMs);
    entries.set(idempotencyKey, entry);
    this.bytes += entry.bytes;
    this.expiry.add(entry);
    const [oldest] = entries.values();
    if (entries.size > most && oldest !== undefined) this.forget(oldest, entries);
    for (let { first } = this.expiry; first !== undefined && this.bytes > this.limit; { first } = this.expiry)
      this.drop(first);
  }

  clear(home: string): void {
    const entries = this.homes.get(home);
    for (const entry of entries?.values() ?? []) this.forget(entry, entries);
    this.homes.delete(home);
  }

  close(): void {
    this.expiry.close();
    this.homes.clear();
  }

  /** The time of an entry is over, or its room is needed. */
  private drop(entry: Entry): void {
    const entries = this.homes.get(entry.home);
    this.forget(entry, entries);
    if (entries?.size !== 0) return;
    this.homes.delete(entry.home);
    this.onEmpty(entry.home);
  }

  private forget(entry: Entry, entries: Map<string, Entry> | undefined): void {
    this.expiry.remove(entry);
    this.bytes -= entry.bytes;
    entries?.delete(entry.idempotencyKey);
  }
}
