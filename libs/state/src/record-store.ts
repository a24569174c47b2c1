/** What a value may be: what JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** One entry of the state. */
export interface StateRecord {
  readonly key: string;
  /** a copy of its own; what it holds is for the reader to check, since another version may have written it */
  readonly value: Json;
  /** of its last change: whole numbers from 1, rising over all records of the store, never used twice */
  readonly revision: number;
}

/** What became of a record. */
export interface RecordChange {
  readonly key: string;
  /** undefined: it is gone */
  readonly value: Json | undefined;
  readonly revision: number;
}

/** One line of a log. */
export interface LogEntry {
  /** from 1, rising, with gaps */
  readonly offset: number;
  /** ms since the epoch */
  readonly at: number;
  readonly value: Json;
}

export interface WriteCondition {
  /** The revision that the record must have; 0: there must be none. Left out: whatever it is. */
  readonly ifRevision?: number;
}

/**
 * Records by key, and logs to append to. Everything may take time, since a
 * store may be on another machine; what is here answers within the turn.
 *
 * Keys are 1 to 512 of `A-Z a-z 0-9 . _ / = -`, a path with `/` by custom: what
 * SQLite, NATS and etcd all take. All methods reject with `BERTH_STATE_UNUSABLE`
 * when the store cannot be read or written, or has been closed, and with
 * `BERTH_STATE_INVALID` for a key or a value that no store takes.
 */
export interface RecordStore extends AsyncDisposable {
  get(key: string): Promise<StateRecord | undefined>;

  /** All records whose key begins so, in the order of their keys; `''`: all. */
  list(prefix: string): Promise<StateRecord[]>;

  /**
   * Creates or replaces a record, whole or not at all.
   *
   * @returns its revision
   * @throws BerthError `BERTH_STATE_CONFLICT` when the record has another revision than `ifRevision`
   */
  put(key: string, value: Json, condition?: WriteCondition): Promise<number>;

  /**
   * Takes a record out.
   *
   * @returns whether there was one
   * @throws BerthError `BERTH_STATE_CONFLICT` as with {@link put}
   */
  delete(key: string, condition?: WriteCondition): Promise<boolean>;

  /**
   * Has somebody told of changes, in the order of their revisions, each once,
   * after it was made. Begin to watch, then list: what comes twice has a
   * revision that is known already.
   *
   * @param listener must return soon; what it throws does not reach who writes
   * @returns ends it
   */
  watch(prefix: string, listener: (change: RecordChange) => void): () => void;

  /** Adds an entry at the end of a log, which begins with its first one. @returns its offset */
  append(log: string, value: Json): Promise<number>;

  /** Entries from an offset on, the oldest first. @param limit most entries, from 1 */
  read(log: string, from: number, limit: number): Promise<LogEntry[]>;

  /** Drops the entries before an offset; offsets are not used again. @returns how many went */
  trim(log: string, before: number): Promise<number>;

  /** Resolves when all that has been written would survive a loss of power. */
  sync(): Promise<void>;

  /** Ends it; what was written stays, in a store that keeps anything. Idempotent. */
  close(): Promise<void>;
}
