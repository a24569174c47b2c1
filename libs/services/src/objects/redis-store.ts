import { randomBytes } from 'node:crypto';
import { ServicesError } from '../errors.js';
import type { InvocationReply } from '../invocation/invocation.js';
import { type DeadLetterBounds, deadLetterLimits, type DeadLetterStore } from '../letters/dead-letter.js';
import { RedisDeadLetters } from '../letters/redis-letters.js';
import { wholeNumbers } from '../numbers.js';
import type { ObjectKey, ObjectStore, RememberedReply, StoredObject } from './object-store.js';
import { connectClient, refuseCluster, type RedisClient } from './redis/client.js';
import { RedisConnection } from './redis/connection.js';
import { decodeReply, encodeReply } from '../wire/replies.js';
import { DELETE, LOAD, SAVE, TOKEN_LENGTH } from './redis/scripts.js';
import { checkStateSize, DEFAULT_MAX_STATE_BYTES } from './state-size.js';

/** Settings of a RedisStore. Either `url` or `client`; numbers are whole and from 1. */
export interface RedisStoreOptions {
  /** `redis://` or `rediss://`; a password in it is shown nowhere */
  readonly url?: string | undefined;
  /** a client of `@redis/client` that is connected by its owner, and closed by its owner */
  readonly client?: RedisClient | undefined;
  /** in front of all keys, `berth:` */
  readonly keyPrefix?: string | undefined;
  /** how long {@link RedisStore.open} waits for a server, ms, 5 000 */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * how long an operation without a deadline may last, reconnecting included, ms, 5 000. A connection over
   * which nothing comes for so long, while something is asked, is given up for a new one
   */
  readonly operationTimeoutMs?: number | undefined;
  /** operations that may wait for the server, 10 000: one more fails at once */
  readonly maxPendingOperations?: number | undefined;
  /** of one object, bytes of UTF-8, 1 MiB */
  readonly maxStateBytes?: number | undefined;
  /** how long versions of a deleted object are not used again, ms, a week; longer than replies are remembered */
  readonly deletionKnownMs?: number | undefined;
}

export const REDIS_STORE_DEFAULTS = {
  ...{ connectTimeoutMs: 5_000, operationTimeoutMs: 5_000, maxPendingOperations: 10_000 },
  ...{ maxStateBytes: DEFAULT_MAX_STATE_BYTES, deletionKnownMs: 7 * 24 * 3_600_000 },
};

/**
 * Keeps objects in Redis (7 or later) or Valkey. Keys:
 * - `{keyPrefix}object:{pkg.Cls/partition/objectId}` a hash, see redis/scripts.ts
 * - `{keyPrefix}reply:{pkg.Cls/partition/objectId}:idempotencyKey` a remembered reply
 * - `{keyPrefix}reply:scope:idempotencyKey` one of a stateless call
 * - `{keyPrefix}letters`, and some behind it: dead letters, see letters/redis-letters.ts
 *
 * The inner braces are part of the key: what they hold decides the slot of a cluster, so that
 * all of one object is in one place. `%`, `:`, `{` and `}` are written as %25, %3A, %7B and %7D there and in scopes.
 *
 * A change whose answer was lost with the connection is sent again, and recognises itself by a
 * token of its writer; it takes effect once. Versions of an object that is made again after its
 * deletion go on above those it had.
 *
 * An operation waits for a server that is away until its deadline, or for `operationTimeoutMs` if it
 * has none. Errors, besides those of {@link ObjectStore}: `BERTH_SERVICE_OUTCOME_UNKNOWN` for a change that
 * was sent and not confirmed by then: it may have been made, and whoever repeats the call risks to do it
 * twice. `BERTH_SERVICE_PAYLOAD_TOO_LARGE` above `maxStateBytes`.
 */
export class RedisStore implements ObjectStore {
  private readonly writer = randomBytes(TOKEN_LENGTH)
    .toString('base64url')
    .slice(0, TOKEN_LENGTH - TOKEN_COUNTER);
  private changes = 0;

  private constructor(
    private readonly connection: RedisConnection,
    private readonly prefix: string,
    private readonly maxStateBytes: number,
    private readonly deletionKnownMs: number,
  ) {}

  /**
   * Connects, and stays connected until {@link RedisStore.close}.
   *
   * @throws ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE` no server within `connectTimeoutMs`;
   *   `BERTH_SERVICE_INVALID` for settings that are none, and for a server of a cluster
   */
  static async open(options: RedisStoreOptions): Promise<RedisStore> {
    const { url, client } = options;
    if ((url === undefined) === (client === undefined))
      throw new ServicesError('BERTH_SERVICE_INVALID', 'a RedisStore needs either url or client');
    const { connectTimeoutMs, maxStateBytes, deletionKnownMs, ...limits } = wholeNumbers(options, REDIS_STORE_DEFAULTS);
    const connected =
      client ?? (await connectClient(url as string, connectTimeoutMs, connectTimeoutMs + limits.operationTimeoutMs));
    try {
      await refuseCluster(connected, connectTimeoutMs);
    } catch (thrown) {
      if (client === undefined) connected.destroy();
      throw thrown;
    }
    const connection = new RedisConnection(connected, client === undefined, limits);
    return new RedisStore(connection, options.keyPrefix ?? 'berth:', maxStateBytes, deletionKnownMs);
  }

  async load(
    key: ObjectKey,
    knownVersion?: number,
    idempotencyKey?: string,
    deadline?: number,
    trusted = false,
  ): Promise<StoredObject> {
    if (trusted && knownVersion !== undefined && idempotencyKey === undefined && this.connection.state === 'up')
      return { version: knownVersion, unasked: true };
    const known = knownVersion === undefined ? '' : String(knownVersion);
    const [version, state, deletedAt, reply] = (await this.connection.run(
      LOAD,
      this.keysOf(key, idempotencyKey),
      [known],
      false,
      deadline,
    )) as [number, Buffer | null, number, Buffer | null];
    return {
      version,
      state: state === null ? undefined : state.toString(),
      reply: reply === null ? undefined : replyOf(reply, deletedAt),
    };
  }

  async save(
    key: ObjectKey,
    expectedVersion: number,
    state: string | undefined,
    remember?: RememberedReply,
    deadline?: number,
  ): Promise<number | undefined> {
    if (state !== undefined) checkStateSize(key, state, this.maxStateBytes);
    const args: (string | Buffer)[] = [this.token(), String(expectedVersion)];
    args.push(state === undefined ? '0' : '1', state ?? '');
    if (remember !== undefined) args.push(encodeReply(remember.reply), String(remember.ttlMs));
    const keys = this.keysOf(key, remember?.idempotencyKey);
    const version = await this.connection.run(SAVE, keys, args, true, deadline);
    if (version === -1)
      throw new ServicesError(
        'BERTH_SERVICE_OUTCOME_UNKNOWN',
        `object '${key.objectId}' of ${key.service} was changed too often since its save went unanswered: whether that was made cannot be told`,
      );
    return version === null ? undefined : (version as number);
  }

  async delete(key: ObjectKey, deadline?: number): Promise<boolean> {
    const args = [this.token(), String(this.deletionKnownMs)];
    return (await this.connection.run(DELETE, this.keysOf(key, undefined), args, true, deadline)) === 1;
  }

  async recallReply(scope: string, idempotencyKey: string, deadline?: number): Promise<InvocationReply | undefined> {
    const command = ['GET', this.scopeKey(scope, idempotencyKey)];
    const bytes = (await this.connection.run(undefined, [], command, false, deadline)) as Buffer | null;
    return bytes === null ? undefined : decodeReply(bytes);
  }

  async rememberReply(scope: string, remember: RememberedReply, deadline?: number): Promise<void> {
    const { idempotencyKey, reply, ttlMs } = remember;
    const command = ['SET', this.scopeKey(scope, idempotencyKey), encodeReply(reply), 'PX', String(ttlMs)];
    // Twice is as good as once.
    await this.connection.run(undefined, [], command, true, deadline);
  }

  /**
   * A place for the dead letters of a bus (its option `deadLetters`), which goes with this store.
   *
   * @param bounds count when a letter is written
   * @throws ServicesError `BERTH_SERVICE_INVALID` names the bound that is wrong
   */
  deadLetters(bounds: DeadLetterBounds = {}): DeadLetterStore {
    return new RedisDeadLetters(this.connection, `${this.prefix}letters`, deadLetterLimits(bounds));
  }

  health(): { readonly state: 'up' | 'down' | 'closed'; readonly reason?: string | undefined } {
    const { state, reason } = this.connection;
    return { state, reason };
  }

  close(): Promise<void> {
    this.connection.close();
    return Promise.resolve();
  }

  private keysOf({ service, partition, objectId }: ObjectKey, idempotencyKey: string | undefined): string[] {
    const tag = `{${escaped(`${service}/${partition}/${objectId}`)}}`;
    const object = `${this.prefix}object:${tag}`;
    return idempotencyKey === undefined ? [object] : [object, `${this.prefix}reply:${tag}:${idempotencyKey}`];
  }

  private scopeKey(scope: string, idempotencyKey: string): string {
    return `${this.prefix}reply:${escaped(scope)}:${idempotencyKey}`;
  }

  /** Not the same in any two of the changes that an object remembers. */
  private token(): string {
    this.changes += 1;
    return this.writer + this.changes.toString(36).padStart(TOKEN_COUNTER, '0').slice(-TOKEN_COUNTER);
  }
}

/** Characters of a token that count, to 36 ** 8: a million changes a second for a month. */
const TOKEN_COUNTER = 8;

function escaped(text: string): string {
  return /[%{}:]/.test(text) ? text.replace(/[%{}:]/g, encodeURIComponent) : text;
}

/** A remembered reply with the version it was saved at, unless its object was deleted since. */
function replyOf(stored: Buffer, deletedAt: number): InvocationReply | undefined {
  const colon = stored.indexOf(':');
  const version = Number(stored.toString('latin1', 0, colon));
  return version < deletedAt ? undefined : decodeReply(stored.subarray(colon + 1));
}
