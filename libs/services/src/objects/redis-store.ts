import { ServicesError } from '../errors.js';
import { type DeadLetterBounds, deadLetterLimits, type DeadLetterStore } from '../letters/dead-letter.js';
import { RedisDeadLetters } from '../letters/redis-letters.js';
import { wholeNumbers } from '../numbers.js';
import { EntryStore } from './entry-store.js';
import { Known } from './known.js';
import type { ObjectKey } from './object-store.js';
import { connectClient, refuseCluster, type RedisClient } from './redis/client.js';
import { RedisConnection } from './redis/connection.js';
import { RedisEntries } from './redis/entries.js';
import { STORE_DEFAULTS, type StoreOptions } from './store-options.js';

/**
 * Settings of a RedisStore. Either `url` or `client`; numbers are whole and from 1. A connection over which nothing comes
 * for `operationTimeoutMs`, while something is asked, is given up for a new one.
 */
export interface RedisStoreOptions extends StoreOptions {
  /** `redis://` or `rediss://`; a password in it is shown nowhere */
  readonly url?: string | undefined;
  /** a client of `@redis/client` that is connected by its owner, and closed by its owner */
  readonly client?: RedisClient | undefined;
  /** in front of all keys, `berth:` */
  readonly keyPrefix?: string | undefined;
  /** how long versions of a deleted object are not used again, ms, a week; longer than replies are remembered */
  readonly deletionKnownMs?: number | undefined;
}

export const REDIS_STORE_DEFAULTS = { ...STORE_DEFAULTS, deletionKnownMs: 7 * 24 * 3_600_000 };

/**
 * Keeps objects in Redis (7 or later) or Valkey, see {@link EntryStore}. Keys:
 * - `{keyPrefix}object:{pkg.Cls/partition/objectId}` an object, with its version and its remembered replies
 * - `{keyPrefix}reply:scope:idempotencyKey` the remembered reply of a stateless call
 * - `{keyPrefix}letters`, and some behind it: dead letters, see letters/redis-letters.ts
 *
 * `%`, `:`, `{` and `}` are written as %25, %3A, %7B and %7D inside of the inner braces and in scopes. Objects that
 * earlier versions kept are hashes: they are refused, with their key.
 *
 * An operation waits for a server that is away until its deadline, or for `operationTimeoutMs` if it has none.
 */
export class RedisStore extends EntryStore {
  private constructor(
    private readonly connection: RedisConnection,
    private readonly prefix: string,
    limits: Readonly<Record<keyof typeof REDIS_STORE_DEFAULTS, number>>,
  ) {
    const entries = new RedisEntries(connection, limits);
    const { operations } = connection;
    super({ objects: entries, replies: entries, operations, known: new Known(), limits, now: Date.now });
  }

  /**
   * Connects, and stays connected until {@link RedisStore.close}.
   *
   * @throws ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE` no server within `connectTimeoutMs`;
   *   `BERTH_SERVICE_INVALID` for settings that are none, and for a server of a cluster
   */
  static async open(options: RedisStoreOptions): Promise<RedisStore> {
    const { url, client, keyPrefix = 'berth:' } = options;
    if ((url === undefined) === (client === undefined))
      throw new ServicesError('BERTH_SERVICE_INVALID', 'a RedisStore needs either url or client');
    const settings = wholeNumbers(options, REDIS_STORE_DEFAULTS);
    const { connectTimeoutMs, operationTimeoutMs } = settings;
    const connected =
      client ?? (await connectClient(url as string, connectTimeoutMs, connectTimeoutMs + operationTimeoutMs));
    try {
      await refuseCluster(connected, connectTimeoutMs);
    } catch (thrown) {
      if (client === undefined) connected.destroy();
      throw thrown;
    }
    return new RedisStore(new RedisConnection(connected, client === undefined, settings), keyPrefix, settings);
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

  protected nameOf({ service, partition, objectId }: ObjectKey): string {
    return `${this.prefix}object:{${escaped(`${service}/${partition}/${objectId}`)}}`;
  }

  protected nameOfReply(scope: string, idempotencyKey: string): string {
    return `${this.prefix}reply:${escaped(scope)}:${idempotencyKey}`;
  }

  protected disconnect(): Promise<void> {
    this.connection.close();
    return Promise.resolve();
  }
}

function escaped(text: string): string {
  return /[%{}:]/.test(text) ? text.replace(/[%{}:]/g, encodeURIComponent) : text;
}
