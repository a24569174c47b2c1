import { Deadlines, type Expiring } from '../runtime/deadlines.js';
import { ServicesError } from '../errors.js';
import { type Entries, type Entry, type Found, type KeptReply, NO_ENTRY } from './entry.js';

/** A remembered reply until its time is over, or its room is needed. */
class Kept implements Expiring {
  heapIndex = -1;

  constructor(
    readonly reply: KeptReply,
    /** takes it out of its entry */
    readonly drop: () => void,
  ) {}

  get deadline(): number {
    return this.reply.until;
  }

  get bytes(): number {
    return this.reply.text.length + this.reply.key.length;
  }
}

/** All remembered replies of a store in memory: each goes when its time is over, or earlier, where there are too many bytes. */
export class ReplyRoom {
  private readonly all = new Map<KeptReply, Kept>();
  // Replies that wait for their end must not keep a process alive.
  private readonly expiry = new Deadlines<Kept>((kept) => this.drop(kept), false);
  private bytes = 0;

  /** @param limit bytes; when there are more, those that are due first go */
  constructor(private readonly limit: number) {}

  /** An entry has other replies: some of those it had, in their order, and new ones behind them. */
  replace(before: readonly KeptReply[], after: readonly KeptReply[], drop: (reply: KeptReply) => void): void {
    let stay = 0;
    for (const reply of before)
      if (reply === after[stay]) stay += 1;
      else this.forget(reply);
    for (let at = stay; at < after.length; at += 1) {
      const reply = after[at] as KeptReply;
      this.add(new Kept(reply, () => drop(reply)));
    }
    for (let { first } = this.expiry; first !== undefined && this.bytes > this.limit; { first } = this.expiry)
      this.drop(first);
  }

  close(): void {
    this.expiry.close();
    this.all.clear();
  }

  private add(kept: Kept): void {
    this.all.set(kept.reply, kept);
    this.expiry.add(kept);
    this.bytes += kept.bytes;
  }

  private drop(kept: Kept): void {
    this.forget(kept.reply);
    kept.drop();
  }

  private forget(reply: KeptReply): void {
    const kept = this.all.get(reply);
    if (kept === undefined) return;
    this.all.delete(reply);
    this.expiry.remove(kept);
    this.bytes -= kept.bytes;
  }
}

/** Entries in this process, bounded in number. */
export class MemoryEntries implements Entries {
  /** the one that was written last comes last */
  private readonly all = new Map<string, Found>();
  /** goes on behind those that have had to go: a new one would pass over their places each time */
  private readonly oldest = this.all.keys();
  private writes = 0;
  /** the highest version of any that was deleted */
  private floor = 0;

  /**
   * @param most one more is refused, by the name of this setting
   * @param setting absent: the oldest makes room for it
   */
  constructor(
    private readonly room: ReplyRoom,
    private readonly most: number,
    private readonly setting?: string,
  ) {}

  get(name: string): Promise<Found> {
    return Promise.resolve(this.find(name));
  }

  put(name: string, entry: Entry, base: Found | undefined): Promise<Found | undefined> {
    if (base !== undefined && base.revision !== this.find(name).revision) return Promise.resolve(undefined);
    if (this.setting !== undefined && this.all.size >= this.most && !this.all.has(name)) throw this.full(name);
    this.writes += 1;
    const found = { entry, revision: this.writes, length: 0 };
    this.set(name, found);
    const oldest = this.all.size > this.most ? this.oldest.next().value : undefined;
    if (oldest !== undefined) this.set(oldest, { ...found, entry: NO_ENTRY });
    return Promise.resolve(found);
  }

  clear(): void {
    this.all.clear();
  }

  private find(name: string): Found {
    // Whoever makes it again has to know of all that was deleted since.
    const { floor } = this;
    return this.all.get(name) ?? { entry: { ...NO_ENTRY, last: floor }, revision: -floor, length: 0 };
  }

  private set(name: string, found: Found): void {
    const { version, last, replies } = found.entry;
    const before = this.all.get(name)?.entry.replies ?? [];
    // Only where the oldest may have to go does it matter which one that is.
    if (this.setting === undefined) this.all.delete(name);
    if (version > 0 || replies.length > 0) this.all.set(name, found);
    else {
      this.all.delete(name);
      this.floor = Math.max(this.floor, last);
    }
    this.room.replace(before, replies, (reply) => this.forget(name, reply));
  }

  private forget(name: string, reply: KeptReply): void {
    const found = this.find(name);
    const replies = found.entry.replies.filter((other) => other !== reply);
    this.set(name, { ...found, entry: { ...found.entry, replies } });
  }

  private full(name: string): ServicesError {
    const { most, setting } = this;
    return new ServicesError(
      'BERTH_SERVICE_STORE_UNAVAILABLE',
      `object ${name} cannot be kept: there are ${most} objects, which is ${setting}; delete some or raise it`,
      { setting, limit: most },
    );
  }
}
