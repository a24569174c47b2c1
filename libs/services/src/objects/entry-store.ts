import { randomBytes } from 'node:crypto';
import { ServicesError } from '../errors.js';
import type { InvocationReply } from '../invocation/invocation.js';
import {
  type Entries,
  type Entry,
  type Found,
  isMadeFrom,
  NO_ENTRY,
  TOKEN_LENGTH,
  wasMade,
  withToken,
} from './entry.js';
import { type KeptReplies, keptReply } from './kept-replies.js';
import type { Known } from './known.js';
import type { ObjectKey, ObjectStore, RememberedReply, StoredObject } from './object-store.js';
import type { Operations, Way } from './operations.js';

/** What an {@link EntryStore} is made of. */
export interface EntryStoreParts {
  readonly objects: Entries;
  /** those of stateless calls */
  readonly replies: Entries;
  readonly operations: Pick<Operations, 'run' | 'isReady' | 'close'> & { readonly way: Pick<Way, 'isUp' | 'reason'> };
  /** absent: nothing is cheaper than to read, and no answer gets lost */
  readonly known?: Known;
  readonly limits: { readonly maxStateBytes: number; readonly maxRepliesPerObject: number };
  /** by which replies end, ms since 1970 */
  readonly now: () => number;
}

/** What came of a write: as it is kept; it was made, and others have changed it since; it was not; that cannot be told. */
type Outcome = Found | 'made' | 'not-made' | 'unknown';

/** Characters of a token that count, to 36 ** 8: a million changes a second for a month. */
const COUNT_LENGTH = 8;

/**
 * Objects as entries that are compared and set: state, version and remembered replies of one change together. A write
 * says from what it was made; one whose answer got lost is sent again, finds itself by its token, and takes effect once.
 */
export abstract class EntryStore implements ObjectStore {
  /** the part of a token that no other writer has */
  private readonly writer = randomBytes(((TOKEN_LENGTH - COUNT_LENGTH) * 3) / 4).toString('base64url');
  private changes = 0;
  private closed = false;

  protected constructor(private readonly parts: EntryStoreParts) {}

  /** Under which name an object is kept. */
  protected abstract nameOf(key: ObjectKey): string;
  protected abstract nameOfReply(scope: string, idempotencyKey: string): string;
  protected abstract disconnect(): Promise<void>;

  async load(
    key: ObjectKey,
    knownVersion?: number,
    idempotencyKey?: string,
    deadline?: number,
    trusted = false,
  ): Promise<StoredObject> {
    const { operations, objects, known, now } = this.parts;
    const name = this.nameOf(key);
    const before = known?.get(name);
    if (trusted && before !== undefined && operations.isReady && objects.isCurrent?.(before) !== false) {
      const { version, replies } = before.entry;
      if (version === knownVersion && !replies.find(idempotencyKey, now())) return { version, unasked: true };
    }
    const { entry } = await this.read(name, deadline);
    const { version, state, replies } = entry;
    // A version that is only called the same is told from the caller's by its state.
    const isKnown = version === knownVersion && (known === undefined || isSame(before?.entry, entry));
    return { version, state: isKnown ? undefined : state, reply: replies.find(idempotencyKey, now()) };
  }

  async save(
    key: ObjectKey,
    expectedVersion: number,
    state: string | undefined,
    remember?: RememberedReply,
    deadline?: number,
  ): Promise<number | undefined> {
    if (state !== undefined) this.checkSize(key, state);
    const made = await this.change(key, deadline, (entry, before = entry) => {
      if (entry.version !== expectedVersion) return undefined;
      if (before.version === expectedVersion && !isSame(before, entry)) return undefined;
      // It was answered meanwhile by somebody else, whose reply counts.
      if (remember !== undefined && entry.replies.find(remember.idempotencyKey, this.parts.now())) return undefined;
      if (state === undefined && remember === undefined) return entry;
      const { version, last } = state === undefined ? entry : { version: entry.last + 1, last: entry.last + 1 };
      return { ...entry, version, last, state: state ?? entry.state, replies: this.repliesOf(entry, remember) };
    });
    return made?.version;
  }

  async delete(key: ObjectKey, deadline?: number): Promise<boolean> {
    let was = false;
    await this.change(key, deadline, (entry) => {
      was = entry.version > 0;
      if (entry.version === 0 && entry.replies.all.length === 0) return entry;
      // What was known of it must never look current again.
      return { ...NO_ENTRY, last: entry.last + 1 };
    });
    return was;
  }

  async recallReply(scope: string, idempotencyKey: string, deadline?: number): Promise<InvocationReply | undefined> {
    const { operations, replies, now } = this.parts;
    const name = this.nameOfReply(scope, idempotencyKey);
    const { entry } = await operations.run(false, deadline, (lost) => replies.get(name, undefined, lost));
    return entry.replies.find(idempotencyKey, now());
  }

  async rememberReply(
    scope: string,
    { idempotencyKey, reply, ttlMs }: RememberedReply,
    deadline?: number,
  ): Promise<void> {
    const { operations, replies, now } = this.parts;
    const name = this.nameOfReply(scope, idempotencyKey);
    const entry = { ...NO_ENTRY, replies: NO_ENTRY.replies.next(0, keptReply(idempotencyKey, reply, now() + ttlMs)) };
    // Twice is as good as once.
    await operations.run(true, deadline, (lost) => replies.put(name, entry, undefined, lost));
  }

  health(): { readonly state: 'up' | 'down' | 'closed'; readonly reason?: string | undefined } {
    if (this.closed) return { state: 'closed' };
    const { isUp, reason } = this.parts.operations.way;
    return isUp ? { state: 'up' } : { state: 'down', reason };
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.parts.operations.close();
    await this.disconnect();
  }

  private async read(name: string, deadline: number | undefined): Promise<Found> {
    const { operations, objects, known } = this.parts;
    const found = await operations.run(false, deadline, (lost) => objects.get(name, known?.get(name), lost));
    known?.set(name, found);
    return found;
  }

  /**
   * Writes what `next` makes of what is known, or else read, until nobody else was faster.
   *
   * @param next is told what was known before it was read. `undefined`: it is not to be; the same entry: nothing is to be
   *   written
   */
  private async change(
    key: ObjectKey,
    deadline: number | undefined,
    next: (entry: Entry, before: Entry | undefined) => Entry | undefined,
  ): Promise<Entry | undefined> {
    const { known } = this.parts;
    const name = this.nameOf(key);
    const before = known?.get(name);
    for (let remembered = before; ; remembered = undefined) {
      const base = remembered ?? (await this.read(name, deadline));
      const made = next(base.entry, before?.entry);
      if (made === undefined || made === base.entry) {
        // Of what is out of date it may be wrong.
        if (remembered !== undefined) continue;
        return made;
      }
      const token = this.token();
      const entry = known === undefined ? made : { ...made, writes: withToken(token, base.entry.writes) };
      known?.delete(name);
      const outcome = await this.write(name, token, entry, base, deadline);
      if (outcome === 'not-made') continue;
      if (outcome === 'unknown')
        throw new ServicesError(
          'BERTH_SERVICE_OUTCOME_UNKNOWN',
          `object '${key.objectId}' of ${key.service} was changed too often since its save went unanswered: whether that was made cannot be told`,
        );
      if (outcome !== 'made') known?.set(name, outcome);
      return entry;
    }
  }

  private write(
    name: string,
    token: string,
    entry: Entry,
    base: Found,
    deadline: number | undefined,
  ): Promise<Outcome> {
    const { operations, objects } = this.parts;
    return operations.run<Outcome>(true, deadline, async (lost) => {
      const written = await objects.put(name, entry, base, lost);
      if (written !== undefined) return written;
      if (lost === 0) return 'not-made';
      const made = wasMade(token, base.entry, (await objects.get(name, undefined, lost)).entry);
      if (made === undefined) return 'unknown';
      return made ? 'made' : 'not-made';
    });
  }

  /** Those of an entry without the oldest ones that are over their time, and with a new one: the oldest make room for it. */
  private repliesOf({ replies }: Entry, remember: RememberedReply | undefined): KeptReplies {
    const now = this.parts.now();
    const due = replies.due(now);
    if (remember === undefined) return replies.next(due);
    const { idempotencyKey, reply, ttlMs } = remember;
    const most = this.parts.limits.maxRepliesPerObject - 1;
    return replies.next(Math.max(due, replies.all.length - most), keptReply(idempotencyKey, reply, now + ttlMs));
  }

  /** @throws ServicesError `BERTH_SERVICE_PAYLOAD_TOO_LARGE` */
  private checkSize(key: ObjectKey, state: string): void {
    const { maxStateBytes } = this.parts.limits;
    // A UTF-16 unit is at most three bytes, so that most states need not be counted.
    if (state.length * 3 <= maxStateBytes) return;
    const bytes = Buffer.byteLength(state);
    if (bytes <= maxStateBytes) return;
    throw new ServicesError(
      'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
      `the state of object '${key.objectId}' of ${key.service} has ${bytes} bytes; maxStateBytes is ${maxStateBytes}`,
      { bytes, maxStateBytes },
    );
  }

  /** Not the same for any two writes. */
  private token(): string {
    this.changes += 1;
    return this.writer + this.changes.toString(36).padStart(COUNT_LENGTH, '0').slice(-COUNT_LENGTH);
  }
}

/** Whether a version is the one that was known, and not only called so. There is but one of no object, whose entry may have expired. */
function isSame(before: Entry | undefined, now: Entry): boolean {
  if (before === undefined || before.version !== now.version) return false;
  return now.version === 0 || isMadeFrom(before, now);
}
