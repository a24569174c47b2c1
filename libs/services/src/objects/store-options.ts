import { MAX_MS } from '../numbers.js';

/** Settings of every store that is not in this process. Numbers are whole and from 1. */
export interface StoreOptions {
  /** how long opening it waits for a server, ms, 5 000 */
  readonly connectTimeoutMs?: number | undefined;
  /** how long an operation without a deadline may last, reconnecting included, ms, 5 000 */
  readonly operationTimeoutMs?: number | undefined;
  /** operations that may wait for the server, 10 000: one more fails at once */
  readonly maxPendingOperations?: number | undefined;
  /** of one object, bytes of UTF-8, 1 MiB */
  readonly maxStateBytes?: number | undefined;
  /** remembered with an object, 100: the oldest go. They are written with each change of it */
  readonly maxRepliesPerObject?: number | undefined;
}

export const STORE_DEFAULTS = {
  connectTimeoutMs: { default: 5_000, most: MAX_MS },
  operationTimeoutMs: { default: 5_000, most: MAX_MS },
  maxPendingOperations: 10_000,
  maxStateBytes: 1024 * 1024,
  maxRepliesPerObject: 100,
};
