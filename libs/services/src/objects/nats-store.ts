import { randomBytes } from 'node:crypto';
import { messageOf } from '@berth/errors';
import { ServicesError } from '../errors.js';
import type { InvocationReply } from '../invocation/invocation.js';
import { type DeadLetterBounds, deadLetterLimits, type DeadLetterStore } from '../letters/dead-letter.js';
import { NatsDeadLetters } from '../letters/nats-letters.js';
import { connectNats } from '../nats/connect.js';
import { escaped, wordsOf } from '../nats/escaped.js';
import { Inbox } from '../nats/inbox.js';
import { Link } from '../nats/link.js';
import { Bucket, type BucketOptions, verdictOf } from './nats/bucket.js';
import {
  decodeEntry,
  encodeEntry,
  type Entry,
  keptIn,
  keptReply,
  type KeptReply,
  NO_ENTRY,
  replyIn,
} from './nats/entry.js';
import { type Found, Known } from './nats/known.js';
import { type NatsStoreOptions, type NatsStoreSettings, natsStoreSettings } from './nats/options.js';
import type { ObjectKey, ObjectStore, RememberedReply, StoredObject } from './object-store.js';
import { Operations, type Way } from './operations.js';
import { checkStateSize } from './state-size.js';

/** Bytes that an entry has beside state and replies. */
const HEAD_ROOM = 64 * 1024;

/**
 * Keeps objects in NATS' key-value store (JetStream, 2.9 or later): one value for each, with its state, its version
 * and its remembered replies, so that all of it changes at once. A write names the revision that it was made from; one
 * whose answer got lost is sent again, finds itself by its token, and takes effect once.
 */
export class NatsStore implements ObjectStore {
  private readonly writer = randomBytes(9).toString('base64url');
  private changes = 0;
  private closed = false;

  private constructor(
    private readonly link: Link,
    private readonly inbox: Inbox,
    private readonly operations: Operations,
    private readonly objects: Bucket,
    private readonly replies: Bucket,
    private readonly known: Known,
    private readonly options: NatsStoreSettings & { readonly owned: boolean },
  ) {}

  /**
   * Connects, makes the buckets if they are not there, and stays connected until {@link NatsStore.close}.
   *
   * @throws ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE` no server within `connectTimeoutMs`, or one without
   *   JetStream; `BERTH_SERVICE_INVALID` names the option that is wrong
   */
  static async open(options: NatsStoreOptions = {}): Promise<NatsStore> {
    const { client } = options;
    const settings = natsStoreSettings(options);
    const { name, storage, replicas, connectTimeoutMs, replyTtlMs: ttlMs } = settings;
    const connection = client ?? (await connectNats(options, connectTimeoutMs, 'BERTH_SERVICE_STORE_UNAVAILABLE'));
    const owned = client === undefined;
    const link = new Link(connection);
    const inbox = new Inbox(link);
    try {
      const operations = new Operations(wayOf(link), settings);
      const known = new Known();
      link.returns.add(() => {
        // A server that has lost its disk counts revisions anew.
        known.clear();
        operations.resume();
      });
      void connection.closed().then(() => operations.close('its connection is closed'));
      const open = (more: Pick<BucketOptions, 'name' | 'ttlMs'>): Promise<Bucket> =>
        Bucket.open(link, inbox, operations, { ...more, replicas, storage });
      const objects = await open({ name });
      const replies = await open({ name: `${name}-replies`, ttlMs });
      return new NatsStore(link, inbox, operations, objects, replies, known, { ...settings, owned });
    } catch (thrown) {
      inbox.close();
      link.close();
      if (owned) await connection.close();
      throw new ServicesError(
        'BERTH_SERVICE_STORE_UNAVAILABLE',
        `the bucket '${name}' cannot be used: ${messageOf(thrown)}; is JetStream enabled (nats-server -js)?`,
        {},
        { cause: thrown },
      );
    }
  }

  async load(
    key: ObjectKey,
    knownVersion?: number,
    idempotencyKey?: string,
    deadline?: number,
    trusted = false,
  ): Promise<StoredObject> {
    const name = keyOf(key);
    const reply = ({ replies }: Entry): InvocationReply | undefined =>
      idempotencyKey === undefined ? undefined : replyIn(replies, idempotencyKey);
    const known = trusted && this.operations.isReady ? this.known.get(name)?.entry : undefined;
    if (known !== undefined && known.version === knownVersion && reply(known) === undefined)
      return { version: known.version, unasked: true };
    const { entry } = await this.read(name, deadline);
    const { version, state } = entry;
    return { version, state: version === knownVersion ? undefined : state, reply: reply(entry) };
  }

  async save(
    key: ObjectKey,
    expectedVersion: number,
    state: string | undefined,
    remember?: RememberedReply,
    deadline?: number,
  ): Promise<number | undefined> {
    if (state !== undefined) checkStateSize(key, state, this.options.maxStateBytes);
    const made = await this.change(key, deadline, (entry) => {
      if (entry.version !== expectedVersion) return undefined;
      // It was answered meanwhile by somebody else, whose reply counts.
      if (remember !== undefined && keptIn(entry.replies, remember.idempotencyKey) !== undefined) return undefined;
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
      if (entry.last === 0 && entry.replies.length === 0) return entry;
      // What was known of it must never look current again.
      return { ...NO_ENTRY, last: entry.last + 1 };
    });
    return was;
  }

  async recallReply(scope: string, idempotencyKey: string, deadline?: number): Promise<InvocationReply | undefined> {
    const { bytes } = await this.replies.get(replyKey(scope, idempotencyKey), deadline);
    return bytes === undefined ? undefined : replyIn(decodeEntry(bytes).replies, idempotencyKey);
  }

  async rememberReply(
    scope: string,
    { idempotencyKey, reply, ttlMs }: RememberedReply,
    deadline?: number,
  ): Promise<void> {
    const { bytes } = this.fitted({ ...NO_ENTRY, replies: [keptReply(idempotencyKey, reply, ttlMs)] });
    await this.replies.put(replyKey(scope, idempotencyKey), bytes, undefined, deadline);
  }

  /**
   * A place for the dead letters of a bus (its option `deadLetters`), which goes with this store: the stream
   * `{bucket}-letters`.
   *
   * @param bounds count for all processes; those of the last one that opens it
   * @throws ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE`; `BERTH_SERVICE_INVALID` names the bound that is wrong
   */
  async deadLetters(bounds: DeadLetterBounds = {}): Promise<DeadLetterStore> {
    return NatsDeadLetters.open(this.link, this.operations, this.options, deadLetterLimits(bounds));
  }

  health(): { readonly state: 'up' | 'down' | 'closed'; readonly reason?: string | undefined } {
    if (this.closed) return { state: 'closed' };
    const { state, reason } = this.link;
    return state === 'up' ? { state } : { state, reason };
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.operations.close();
    this.inbox.close();
    this.link.close();
    if (this.options.owned) await this.link.connection.close();
  }

  private async read(name: string, deadline: number | undefined): Promise<Found> {
    const { bytes, revision } = await this.objects.get(name, deadline);
    // No version was above the revision of the mark that stands for none.
    const entry = bytes === undefined ? { ...NO_ENTRY, last: revision } : decodeEntry(bytes);
    const found = { entry, revision, length: bytes?.length ?? 0 };
    this.known.set(name, found);
    return found;
  }

  /**
   * Writes what `next` makes of what is known, or else read, until nobody else was faster.
   *
   * @param next `undefined`: it is not to be; the same entry: nothing is to be written
   */
  private async change(
    key: ObjectKey,
    deadline: number | undefined,
    next: (entry: Entry) => Entry | undefined,
  ): Promise<Entry | undefined> {
    const name = keyOf(key);
    for (let known = this.known.get(name); ; known = undefined) {
      const { entry, revision } = known ?? (await this.read(name, deadline));
      const made = next(entry);
      if (made === undefined || made === entry) {
        // Of what is out of date it may be wrong.
        if (known !== undefined) continue;
        return made;
      }
      const token = this.token();
      const { bytes, entry: written } = this.fitted({ ...made, token });
      this.known.delete(name);
      const result = await this.objects.put(name, bytes, revision, deadline);
      if (typeof result === 'number') {
        this.known.set(name, { entry: written, revision: result, length: bytes.length });
        return written;
      }
      if (result === 'conflict') continue;
      if ((await this.read(name, deadline)).entry.token === token) return written;
      throw new ServicesError(
        'BERTH_SERVICE_OUTCOME_UNKNOWN',
        `object '${key.objectId}' of ${key.service} was changed by others since its save went unanswered: whether that was made cannot be told`,
      );
    }
  }

  /** Those of an entry whose time is not over, and a new one: the oldest make room for it. */
  private repliesOf({ replies }: Entry, remember: RememberedReply | undefined): readonly KeptReply[] {
    const now = Date.now();
    const kept = replies.filter(({ until, key }) => until > now && key !== remember?.idempotencyKey);
    if (remember === undefined) return kept;
    const { idempotencyKey, reply, ttlMs } = remember;
    return [...kept, keptReply(idempotencyKey, reply, ttlMs)].slice(-this.options.maxRepliesPerObject);
  }

  /**
   * An entry as the server takes it: earlier replies make room for the newest one.
   *
   * @throws ServicesError `BERTH_SERVICE_PAYLOAD_TOO_LARGE` there is not enough to leave out
   */
  private fitted(entry: Entry): { readonly entry: Entry; readonly bytes: Buffer } {
    const most = this.link.maxBytes - HEAD_ROOM;
    for (let fit = entry; ; fit = { ...fit, replies: fit.replies.slice(Math.ceil(fit.replies.length / 2)) }) {
      const bytes = encodeEntry(fit);
      const { length } = bytes;
      if (length <= most) return { entry: fit, bytes };
      if (fit.replies.length < 2)
        throw new ServicesError(
          'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
          `state and reply have ${length} bytes; the NATS server takes ${most}: raise its max_payload`,
          { length, limit: most },
        );
    }
  }

  /** Not the same for any two writes. */
  private token(): string {
    this.changes += 1;
    return `${this.writer}${this.changes}`;
  }
}

function wayOf(link: Link): Way {
  return {
    get isUp() {
      return link.state === 'up';
    },
    get isOpen() {
      return !link.connection.isClosed();
    },
    get reason() {
      return link.reason;
    },
    verdict: verdictOf,
  };
}

function keyOf({ service, partition, objectId }: ObjectKey): string {
  return `${wordsOf(service)}.${partition}.objects.${escaped(objectId)}`;
}

function replyKey(scope: string, idempotencyKey: string): string {
  return `${escaped(scope)}.${escaped(idempotencyKey)}`;
}
