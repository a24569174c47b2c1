import { ServicesError } from '../errors.js';
import type { InvocationReply } from '../invocation/invocation.js';
import { wholeNumbers } from '../numbers.js';
import { MemoryReplies } from './memory-replies.js';
import { nameOf, type ObjectKey, type ObjectStore, type RememberedReply, type StoredObject } from './object-store.js';
import { checkStateSize, DEFAULT_MAX_STATE_BYTES } from './state-size.js';

/** The bounds of a MemoryStore; all are whole numbers from 1. */
export interface MemoryStoreOptions {
  /** objects with a state or a remembered reply, 100 000: one more cannot be saved */
  readonly maxObjects?: number | undefined;
  /** of one object, bytes of UTF-8, 1 MiB */
  readonly maxStateBytes?: number | undefined;
  /** remembered replies of one object, 100; the oldest are dropped before their time */
  readonly maxRepliesPerObject?: number | undefined;
  /** remembered replies of all stateless methods, 10 000; the oldest are dropped before their time */
  readonly maxStatelessReplies?: number | undefined;
  /** payload bytes of all remembered replies, 64 MiB; those that are due first are dropped before their time */
  readonly maxReplyBytes?: number | undefined;
}

interface Entry {
  version: number;
  state: string | undefined;
}

export const MEMORY_STORE_DEFAULTS = {
  ...{ maxObjects: 100_000, maxStateBytes: DEFAULT_MAX_STATE_BYTES, maxRepliesPerObject: 100 },
  ...{ maxStatelessReplies: 10_000, maxReplyBytes: 67_108_864 },
};

/** Whose the replies of stateless methods are: no object's, {@link nameOf}. */
const STATELESS = '';

/**
 * Keeps objects in this process and for its lifetime (mock mode, checklist B15).
 *
 * Versions of an object that is made again after its deletion go on above those
 * it had: a version that somebody still holds is never taken for a new one.
 *
 * Errors, besides those of {@link ObjectStore}: `BERTH_SERVICE_PAYLOAD_TOO_LARGE`
 * for a state above `maxStateBytes`; `BERTH_SERVICE_STORE_UNAVAILABLE` when
 * `maxObjects` are there, and after {@link MemoryStore.close}.
 */
export class MemoryStore implements ObjectStore {
  private readonly objects = new Map<string, Entry>();
  private readonly replies: MemoryReplies;
  private readonly maxObjects: number;
  private readonly maxStateBytes: number;
  private readonly maxRepliesPerObject: number;
  private readonly maxStatelessReplies: number;
  /** the highest version of any deleted object */
  private floor = 0;
  private closed = false;

  /** @throws ServicesError `BERTH_SERVICE_INVALID` for a bound that is no whole number from 1 */
  constructor(options: MemoryStoreOptions = {}) {
    const { maxReplyBytes, ...limits } = wholeNumbers(options, MEMORY_STORE_DEFAULTS);
    this.maxObjects = limits.maxObjects;
    this.maxStateBytes = limits.maxStateBytes;
    this.maxRepliesPerObject = limits.maxRepliesPerObject;
    this.maxStatelessReplies = limits.maxStatelessReplies;
    this.replies = new MemoryReplies(maxReplyBytes, (name) => {
      // An object that was never saved is there for its replies alone.
      if (this.objects.get(name)?.version === 0) this.objects.delete(name);
    });
  }

  load(key: ObjectKey, knownVersion?: number, idempotencyKey?: string): Promise<StoredObject> {
    return this.answer(() => {
      const name = nameOf(key);
      const entry = this.objects.get(name);
      if (entry === undefined) return { version: 0 };
      const { version, state } = entry;
      return {
        version,
        state: version === knownVersion ? undefined : state,
        reply: idempotencyKey === undefined ? undefined : this.replies.get(name, idempotencyKey),
      };
    });
  }

  save(
    key: ObjectKey,
    expectedVersion: number,
    state: string | undefined,
    remember?: RememberedReply,
  ): Promise<number | undefined> {
    return this.answer(() => {
      if (state !== undefined) checkStateSize(key, state, this.maxStateBytes);
      const name = nameOf(key);
      const present = this.objects.get(name);
      const version = present?.version ?? 0;
      if (version !== expectedVersion) return undefined;
      if (state === undefined && remember === undefined) return version;
      const entry = present ?? this.create(name, key);
      if (state !== undefined) {
        entry.state = state;
        entry.version = version === 0 ? this.floor + 1 : version + 1;
      }
      if (remember !== undefined) this.replies.remember(name, remember, this.maxRepliesPerObject);
      return entry.version;
    });
  }

  delete(key: ObjectKey): Promise<boolean> {
    return this.answer(() => {
      const name = nameOf(key);
      const entry = this.objects.get(name);
      if (entry === undefined) return false;
      this.replies.clear(name);
      this.objects.delete(name);
      this.floor = Math.max(this.floor, entry.version);
      return entry.version > 0;
    });
  }

  recallReply(scope: string, idempotencyKey: string): Promise<InvocationReply | undefined> {
    return this.answer(() => this.replies.get(STATELESS, `${scope}\n${idempotencyKey}`));
  }

  rememberReply(scope: string, remember: RememberedReply): Promise<void> {
    return this.answer(() => {
      const { idempotencyKey, reply, ttlMs } = remember;
      const known = { idempotencyKey: `${scope}\n${idempotencyKey}`, reply, ttlMs };
      this.replies.remember(STATELESS, known, this.maxStatelessReplies);
    });
  }

  health(): { readonly state: 'up' | 'closed' } {
    return { state: this.closed ? 'closed' : 'up' };
  }

  close(): Promise<void> {
    this.closed = true;
    this.replies.close();
    this.objects.clear();
    return Promise.resolve();
  }

  private answer<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => {
      if (this.closed) throw new ServicesError('BERTH_SERVICE_STORE_UNAVAILABLE', 'the store of objects is closed');
      resolve(work());
    });
  }

  private create(name: string, key: ObjectKey): Entry {
    if (this.objects.size >= this.maxObjects)
      throw new ServicesError(
        'BERTH_SERVICE_STORE_UNAVAILABLE',
        `object '${key.objectId}' of ${key.service} cannot be kept: there are ${this.maxObjects} objects, which is maxObjects; delete some or raise it`,
        { setting: 'maxObjects', limit: this.maxObjects },
      );
    const entry: Entry = { version: 0, state: undefined };
    this.objects.set(name, entry);
    return entry;
  }
}
