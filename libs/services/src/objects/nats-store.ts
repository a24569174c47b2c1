import { randomBytes } from 'node:crypto';
import { messageOf } from '@berth/errors';
import type { NatsConnection } from '@nats-io/transport-node';
import { ServicesError } from '../errors.js';
import type { InvocationReply } from '../invocation/invocation.js';
import { connectNats, type NatsServer } from '../nats/connect.js';
import { Link } from '../nats/link.js';
import { wholeNumber, wholeNumbers } from '../numbers.js';
import { Bucket, type Until } from './nats/bucket.js';
import { decodeEntry, encodeEntry, type Entry, keptReply, type KeptReply, NO_ENTRY, replyIn } from './nats/entry.js';
import type { ObjectKey, ObjectStore, RememberedReply, StoredObject } from './object-store.js';
import { checkStateSize, DEFAULT_MAX_STATE_BYTES } from './state-size.js';
import { steadyNow } from '../runtime/clock.js';

/** Settings of a NatsStore. Numbers are whole and from 1. */
export interface NatsStoreOptions extends NatsServer {
  /** a connection of its owner's, which stays open when the store is closed; instead of `servers` */
  readonly client?: NatsConnection | undefined;
  /** the bucket of the objects, 'berth'; that of the replies of stateless calls has `-replies` behind it */
  readonly bucket?: string | undefined;
  /** servers of a cluster that keep each value, 1 to 5, 1; counts when a bucket is made */
  readonly replicas?: number | undefined;
  /** how long {@link NatsStore.open} waits for a server, ms, 5 000 */
  readonly connectTimeoutMs?: number | undefined;
  /** how long an operation without a deadline may last, ms, 5 000 */
  readonly operationTimeoutMs?: number | undefined;
  /** of one object, bytes of UTF-8, 1 MiB; the server's `max_payload` must be larger */
  readonly maxStateBytes?: number | undefined;
  /** remembered with an object, 100: the oldest go. They are written with each change of it */
  readonly maxRepliesPerObject?: number | undefined;
  /** how long replies of stateless calls are kept at most, ms, 600 000; counts when the bucket is made */
  readonly replyTtlMs?: number | undefined;
}

/** Bytes that an entry has beside state and replies. */
const HEAD_ROOM = 64 * 1024;

/**
 * Keeps objects in NATS' key-value store (JetStream, 2.9 or later): one value for each, with its state, its version
 * and its remembered replies, so that all of it changes at once. A write names the revision that it was made from; one
 * whose answer got lost is sent again with its id, and takes effect once.
 */
export class NatsStore implements ObjectStore {
  private readonly writer = randomBytes(9).toString('base64url');
  private changes = 0;
  private closed = false;

  private constructor(
    private readonly link: Link,
    private readonly objects: Bucket,
    private readonly replies: Bucket,
    private readonly options: { readonly [name in keyof typeof NATS_STORE_DEFAULTS]: number } & {
      readonly owned: boolean;
    },
  ) {}

  /**
   * Connects, makes the buckets if they are not there, and stays connected until {@link NatsStore.close}.
   *
   * @throws ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE` no server within `connectTimeoutMs`, or one without
   *   JetStream; `BERTH_SERVICE_INVALID` names the option that is wrong
   */
  static async open(options: NatsStoreOptions = {}): Promise<NatsStore> {
    const { bucket: name = 'berth', client } = options;
    if (!/^[\w-]{1,100}$/.test(name))
      throw new ServicesError('BERTH_SERVICE_INVALID', `bucket '${name}' must be 1 to 100 letters, digits, _ and -`);
    const numbers = wholeNumbers(options, NATS_STORE_DEFAULTS);
    const { replicas, connectTimeoutMs, replyTtlMs } = numbers;
    wholeNumber('replicas', replicas, 1, 5);
    const connection = client ?? (await connectNats(options, connectTimeoutMs, 'BERTH_SERVICE_STORE_UNAVAILABLE'));
    const owned = client === undefined;
    try {
      const link = new Link(connection);
      const objects = await Bucket.open(link, { name, replicas });
      const replies = await Bucket.open(link, { name: `${name}-replies`, replicas, ttlMs: replyTtlMs });
      return new NatsStore(link, objects, replies, { ...numbers, owned });
    } catch (thrown) {
      if (owned) await connection.close();
      throw new ServicesError(
        'BERTH_SERVICE_STORE_UNAVAILABLE',
        `the bucket '${name}' cannot be used: ${messageOf(thrown)}; is JetStream enabled (nats-server -js)?`,
        {},
        { cause: thrown },
      );
    }
  }

  async load(key: ObjectKey, knownVersion?: number, idempotencyKey?: string, deadline?: number): Promise<StoredObject> {
    const { entry } = await this.read(key, this.until(deadline));
    const { version, state, replies } = entry;
    const reply = idempotencyKey === undefined ? undefined : replyIn(replies, idempotencyKey);
    return { version, state: version === knownVersion ? undefined : state, reply };
  }

  async save(
    key: ObjectKey,
    expectedVersion: number,
    state: string | undefined,
    remember?: RememberedReply,
    deadline?: number,
  ): Promise<number | undefined> {
    if (state !== undefined) checkStateSize(key, state, this.options.maxStateBytes);
    const made = await this.change(key, this.until(deadline), (entry) => {
      if (entry.version !== expectedVersion) return undefined;
      if (state === undefined && remember === undefined) return entry;
      const { version, last } = state === undefined ? entry : { version: entry.last + 1, last: entry.last + 1 };
      return { ...entry, version, last, state: state ?? entry.state, replies: this.repliesOf(entry, remember) };
    });
    return made?.version;
  }

  async delete(key: ObjectKey, deadline?: number): Promise<boolean> {
    let was = false;
    await this.change(key, this.until(deadline), (entry) => {
      was = entry.version > 0;
      if (entry.last === 0 && entry.replies.length === 0) return entry;
      // What was known of it must never look current again.
      return { ...NO_ENTRY, last: entry.last + 1 };
    });
    return was;
  }

  async recallReply(scope: string, idempotencyKey: string, deadline?: number): Promise<InvocationReply | undefined> {
    this.checkOpen();
    const found = await this.replies.get(replyKey(scope, idempotencyKey), this.until(deadline));
    return found === undefined ? undefined : replyIn(decodeEntry(found.value).replies, idempotencyKey);
  }

  async rememberReply(
    scope: string,
    { idempotencyKey, reply, ttlMs }: RememberedReply,
    deadline?: number,
  ): Promise<void> {
    this.checkOpen();
    const entry = { ...NO_ENTRY, replies: [keptReply(idempotencyKey, reply, ttlMs)] };
    await this.replies.put(
      ...([
        replyKey(scope, idempotencyKey),
        this.encode(entry),
        undefined,
        this.token(),
        this.until(deadline),
      ] as const),
    );
  }

  health(): { readonly state: 'up' | 'down' | 'closed'; readonly reason?: string | undefined } {
    if (this.closed) return { state: 'closed' };
    const { state, reason } = this.link;
    return state === 'up' ? { state } : { state, reason };
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (this.options.owned) await this.link.connection.close();
  }

  private async read(key: ObjectKey, until: Until): Promise<{ readonly entry: Entry; readonly revision: number }> {
    this.checkOpen();
    const found = await this.objects.get(keyOf(key), until);
    return found === undefined
      ? { entry: NO_ENTRY, revision: 0 }
      : { entry: decodeEntry(found.value), revision: found.revision };
  }

  /**
   * Reads, and writes what `next` makes of it, until nobody else was faster.
   *
   * @param next `undefined`: it is not to be; the same entry: nothing is to be written
   */
  private async change(
    key: ObjectKey,
    until: Until,
    next: (entry: Entry) => Entry | undefined,
  ): Promise<Entry | undefined> {
    for (;;) {
      const { entry, revision } = await this.read(key, until);
      const made = next(entry);
      if (made === undefined || made === entry) return made;
      const token = this.token();
      const written = { ...made, token };
      const result = await this.objects.put(keyOf(key), this.encode(written), revision, token, until);
      if (typeof result === 'number') return written;
      if (result === 'unclear' && (await this.read(key, until)).entry.token !== token)
        throw new ServicesError(
          'BERTH_SERVICE_OUTCOME_UNKNOWN',
          `object '${key.objectId}' of ${key.service} was changed by others since its save went unanswered: whether that was made cannot be told`,
        );
      if (result === 'unclear') return written;
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

  /** @throws ServicesError `BERTH_SERVICE_PAYLOAD_TOO_LARGE` the server does not take it */
  private encode(entry: Entry): Buffer {
    const most = (this.link.connection.info?.max_payload ?? 1024 * 1024) - HEAD_ROOM;
    let bytes = encodeEntry(entry);
    let { replies } = entry;
    // Earlier replies make room for the newest one.
    while (bytes.length > most && replies.length > 1) {
      replies = replies.slice(Math.ceil(replies.length / 2));
      bytes = encodeEntry({ ...entry, replies });
    }
    if (bytes.length <= most) return bytes;
    throw new ServicesError(
      'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
      `state and reply have ${bytes.length} bytes; the NATS server takes ${most}: raise its max_payload`,
      { length: bytes.length, limit: most },
    );
  }

  private until(deadline: number | undefined): Until {
    return deadline === undefined
      ? { deadline: steadyNow() + this.options.operationTimeoutMs, ofCall: false }
      : { deadline, ofCall: true };
  }

  private checkOpen(): void {
    if (this.closed) throw new ServicesError('BERTH_SERVICE_STORE_UNAVAILABLE', 'the store is closed');
  }

  /** Not the same for any two writes. */
  private token(): string {
    this.changes += 1;
    return `${this.writer}${this.changes}`;
  }
}

export const NATS_STORE_DEFAULTS = {
  ...{ replicas: 1, connectTimeoutMs: 5_000, operationTimeoutMs: 5_000, maxStateBytes: DEFAULT_MAX_STATE_BYTES },
  ...{ maxRepliesPerObject: 100, replyTtlMs: 600_000 },
};
/** A key of NATS has letters, digits and a few signs: all else is written as `=2E`. */
function escaped(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/gu, (char) =>
    [...Buffer.from(char)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

function keyOf({ service, partition, objectId }: ObjectKey): string {
  return `${service.split('.').map(escaped).join('.')}.${partition}.objects.${escaped(objectId)}`;
}

function replyKey(scope: string, idempotencyKey: string): string {
  return `${escaped(scope)}.${escaped(idempotencyKey)}`;
}
