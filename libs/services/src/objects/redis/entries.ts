import { ErrorReply } from '@redis/client';
import {
  beginningOf,
  decodeEntry,
  type Entries,
  type Entry,
  fitted,
  type Found,
  NO_ENTRY,
  unreadable,
} from '../entry.js';
import type { RedisConnection } from './connection.js';
import { type Script, script } from './scripts.js';

/** KEYS: entry; ARGV: its beginning, as it is known. Returns the entry, nil or, where it still begins so, 1. */
const READ = script(`
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) == ARGV[1] then return 1 end
return redis.call('GET', KEYS[1])
`);

/**
 * KEYS: entry; ARGV: how it has to begin, '' where there must be none, the new one[, ms after which it goes[, it is a
 * deletion]]. Returns 1, or 0.
 */
const WRITE = script(`
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
-- A full server lets go of what it has, and takes what comes behind that: otherwise nothing could be deleted there.
if ARGV[4] then redis.call('DEL', KEYS[1]) end
if ARGV[3] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) else redis.call('SET', KEYS[1], ARGV[2]) end
return 1
`);

/** Bytes of an entry for what it has beside its state. */
const REPLY_ROOM = 16 * 1024 * 1024;

/** Entries as strings of Redis. The newest token, with which each begins, stands for its revision. */
export class RedisEntries implements Entries {
  constructor(
    private readonly connection: RedisConnection,
    private readonly limits: { readonly maxStateBytes: number; readonly deletionKnownMs: number },
  ) {}

  async get(key: string, known: Found | undefined): Promise<Found> {
    const bytes =
      known === undefined || known.length === 0
        ? await this.ask(key, undefined, ['GET', key])
        : await this.ask(key, READ, [beginningOf(known.entry)]);
    if (known !== undefined && bytes === 1) return known;
    if (bytes === null) return { entry: NO_ENTRY, revision: 0, length: 0 };
    const { length } = bytes as Buffer;
    return { entry: decodeEntry(key, bytes as Buffer), revision: 1, length };
  }

  async put(key: string, entry: Entry, base: Found | undefined): Promise<Found | undefined> {
    const most = this.limits.maxStateBytes + REPLY_ROOM;
    const { entry: kept, bytes } = fitted(entry, most, 'maxStateBytes of the store');
    const until = this.endOf(kept);
    const end = until === undefined ? [] : [String(Math.max(1, Math.ceil(until)))];
    if (base === undefined) await this.ask(key, undefined, ['SET', key, bytes, ...end.flatMap((ms) => ['PX', ms])]);
    else {
      const from = base.length === 0 ? '' : beginningOf(base.entry);
      const deletion = kept.version === 0 && kept.replies.all.length === 0 ? ['1'] : [];
      if ((await this.ask(key, WRITE, [from, bytes, ...end, ...deletion])) === 0) return undefined;
    }
    return { entry: kept, revision: 1, length: bytes.length };
  }

  /** After how many ms an entry without an object goes: its versions are known for so long, or its replies. */
  private endOf({ version, last, replies }: Entry): number | undefined {
    if (version > 0) return undefined;
    const replied = Math.max(...replies.all.map(({ until }) => until)) - Date.now();
    return last > 0 ? Math.max(this.limits.deletionKnownMs, replied) : replied;
  }

  private async ask(key: string, script: Script | undefined, args: readonly (string | Buffer)[]): Promise<unknown> {
    try {
      return await this.connection.send(script, [key], args);
    } catch (thrown) {
      if (thrown instanceof ErrorReply && thrown.message.startsWith('WRONGTYPE')) throw unreadable(key);
      throw thrown;
    }
  }
}
