import { ServicesError } from '../errors.js';
import { steadyNow } from '../runtime/clock.js';
import { Deadlines, type Expiring } from '../runtime/deadlines.js';
import { type Entries, type Entry, type Found, NO_ENTRY } from './entry.js';

/** Bytes that a remembered reply takes in memory beside its key and itself. */
const OWN_BYTES = 128;

/** What is kept under a name. With replies it is due when the time of the oldest is over. */
class Kept implements Expiring {
  heapIndex = -1;
  deadline = 0;
  /** of its replies, as {@link ReplyRoom} has counted them */
  bytes = 0;

  constructor(
    public found: Found,
    /** takes so many of the oldest replies out */
    readonly drop: (replies: number) => void,
  ) {}
}

/** The remembered replies of a store in memory: each goes when its time is over, or earlier, where there are too many bytes. */
export class ReplyRoom {
  // Replies that wait for their end must not keep a process alive.
  private readonly expiry = new Deadlines<Kept>((kept) => kept.drop(kept.found.entry.replies.due(steadyNow())), false);
  private bytes = 0;

  /** @param limit bytes; when there are more, those that are due first go */
  constructor(private readonly limit: number) {}

  /** An entry has other replies. */
  count(kept: Kept): void {
    const { all } = kept.found.entry.replies;
    const bytes = all.reduce((sum, { key, text }) => sum + key.length + text.length + OWN_BYTES, 0);
    this.bytes += bytes - kept.bytes;
    kept.bytes = bytes;
    const deadline = all[0]?.until ?? 0;
    if (deadline === kept.deadline) return;
    this.expiry.remove(kept);
    kept.deadline = deadline;
    if (deadline > 0) this.expiry.add(kept);
  }

  bound(): void {
    for (let { first } = this.expiry; first !== undefined && this.bytes > this.limit; { first } = this.expiry)
      first.drop(1);
  }

  close(): void {
    this.expiry.close();
  }
}

/** Entries in this process, bounded in number. */
export class MemoryEntries implements Entries {
  /** the one that was written last comes last */
  private readonly all = new Map<string, Kept>();
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
    this.room.bound();
    return Promise.resolve(found);
  }

  clear(): void {
    this.all.clear();
  }

  private find(name: string): Found {
    // Whoever makes it again has to know of all that was deleted since.
    const { floor } = this;
    return this.all.get(name)?.found ?? { entry: { ...NO_ENTRY, last: floor }, revision: -floor, length: 0 };
  }

  private set(name: string, found: Found): void {
    const { version, last, replies } = found.entry;
    const kept = this.all.get(name) ?? new Kept(found, (count) => this.drop(name, count));
    kept.found = found;
    // Only where the oldest may have to go does it matter which one that is.
    if (this.setting === undefined) this.all.delete(name);
    if (version > 0 || replies.all.length > 0) this.all.set(name, kept);
    else {
      this.all.delete(name);
      this.floor = Math.max(this.floor, last);
    }
    this.room.count(kept);
  }

  private drop(name: string, count: number): void {
    const found = this.find(name);
    const { entry } = found;
    this.set(name, { ...found, entry: { ...entry, replies: entry.replies.next(count) } });
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
