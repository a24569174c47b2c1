import { wholeNumbers } from '../numbers.js';
import { steadyNow } from '../runtime/clock.js';
import { EntryStore } from './entry-store.js';
import { MemoryEntries, ReplyRoom } from './memory-entries.js';
import { nameOf, type ObjectKey } from './object-store.js';
import { unavailable } from './operations.js';
import { STORE_DEFAULTS } from './store-options.js';

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
  /** bytes of all remembered replies, 128 more for each, 64 MiB; those that are due first are dropped before their time */
  readonly maxReplyBytes?: number | undefined;
}

export const MEMORY_STORE_DEFAULTS = {
  maxObjects: 100_000,
  maxStateBytes: STORE_DEFAULTS.maxStateBytes,
  maxRepliesPerObject: STORE_DEFAULTS.maxRepliesPerObject,
  maxStatelessReplies: 10_000,
  maxReplyBytes: 64 * 1024 * 1024,
};

/** There is no server that could be away. */
class AtOnce {
  readonly isReady = false;
  readonly way = { isUp: true, reason: undefined };
  private closed = false;

  async run<T>(_writes: boolean, _deadline: number | undefined, send: (lost: number) => Promise<T>): Promise<T> {
    if (this.closed) throw unavailable('it is closed');
    return await send(0);
  }

  close(): void {
    this.closed = true;
  }
}

/**
 * Keeps objects in this process and for its lifetime (mock mode, checklist B15).
 *
 * Errors, besides those of {@link ObjectStore}: `BERTH_SERVICE_PAYLOAD_TOO_LARGE` for a state above `maxStateBytes`;
 * `BERTH_SERVICE_STORE_UNAVAILABLE` when `maxObjects` are there, and after {@link MemoryStore.close}.
 */
export class MemoryStore extends EntryStore {
  private readonly room: ReplyRoom;
  private readonly entries: readonly MemoryEntries[];

  /** @throws ServicesError `BERTH_SERVICE_INVALID` for a bound that is no whole number from 1 */
  constructor(options: MemoryStoreOptions = {}) {
    const limits = wholeNumbers(options, MEMORY_STORE_DEFAULTS);
    const room = new ReplyRoom(limits.maxReplyBytes);
    const objects = new MemoryEntries(room, limits.maxObjects, 'maxObjects');
    const replies = new MemoryEntries(room, limits.maxStatelessReplies);
    super({ objects, replies, operations: new AtOnce(), limits, now: steadyNow });
    this.room = room;
    this.entries = [objects, replies];
  }

  protected nameOf(key: ObjectKey): string {
    return nameOf(key);
  }

  protected nameOfReply(scope: string, idempotencyKey: string): string {
    return `${scope}\n${idempotencyKey}`;
  }

  protected disconnect(): Promise<void> {
    this.room.close();
    for (const entries of this.entries) entries.clear();
    return Promise.resolve();
  }
}
