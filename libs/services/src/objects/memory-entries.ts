import { ServicesError } from '../errors.js';
import { steadyNow } from '../runtime/clock.js';
import { Deadlines, type Expiring } from '../runtime/deadlines.js';
import { type Linked, LinkedList } from '../runtime/linked-list.js';
import { type Entries, type Entry, type Found, NO_ENTRY } from './entry.js';

/** Bytes that a remembered reply takes in memory beside its key and itself. */
const OWN_BYTES = 128;

/** What is kept under a name. With replies it is due when the time of the oldest is over. */
class Kept implements Expiring, Linked<Kept> {
  prev: Kept | undefined = undefined;
  next: Kept | undefined = undefined;
  list: LinkedList<Kept> | undefined = undefined;
  heapIndex = -1;
  deadline = 0;
  /** of its replies, as {@link ReplyRoom} has counted them */
  bytes = 0;

  constructor(
    private readonly entries: MemoryEntries,
    readonly name: string,
    public found: Found,
  ) {}

  /** Takes so many of the oldest replies out. */
  drop(count: number): void {
    const { entry } = this.found;
    this.entries.set(this.name, { ...this.found, entry: { ...entry, replies: entry.replies.next(count) } });
  }
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
  private readonly all = new Map<string, Kept>();
  /** the one that was written last comes last */
  private order = new LinkedList<Kept>();
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
    const oldest = this.all.size > this.most ? this.order.first : undefined;
    if (oldest !== undefined) this.set(oldest.name, { ...found, entry: NO_ENTRY });
    this.room.bound();
    return Promise.resolve(found);
  }

  clear(): void {
    this.all.clear();
    this.order = new LinkedList();
  }

  /** What is under a name from here on, whatever was there. */
  set(name: string, found: Found): void {
    const { version, last, replies } = found.entry;
    const kept = this.all.get(name) ?? new Kept(this, name, found);
    kept.found = found;
    this.order.remove(kept);
    if (version > 0 || replies.all.length > 0) {
      this.all.set(name, kept);
      this.order.push(kept);
    } else {
      this.all.delete(name);
      this.floor = Math.max(this.floor, last);
    }
    this.room.count(kept);
  }

  private find(name: string): Found {
    // Whoever makes it again has to know of all that was deleted since.
    const { floor } = this;
    return this.all.get(name)?.found ?? { entry: { ...NO_ENTRY, last: floor }, revision: -floor, length: 0 };
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
