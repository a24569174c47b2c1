import type { NatsConnection } from '@nats-io/transport-node';
import { ServicesError } from '../../errors.js';
import type { NatsServer } from '../../nats/connect.js';
import { wholeNumber, wholeNumbers } from '../../numbers.js';
import { DEFAULT_MAX_STATE_BYTES } from '../state-size.js';

/** Settings of a NatsStore. Numbers are whole and from 1. */
export interface NatsStoreOptions extends NatsServer {
  /** a connection of its owner's, which stays open when the store is closed; instead of `servers` */
  readonly client?: NatsConnection | undefined;
  /** the bucket of the objects, 'berth'; that of the replies of stateless calls has `-replies` behind it */
  readonly bucket?: string | undefined;
  /** servers of a cluster that keep each value, 1 to 5, 1; more than one with NATS 2.11 or later; counts when a bucket is made */
  readonly replicas?: number | undefined;
  /** where servers keep values, 'file'; in 'memory' they are gone with the servers; counts when a bucket is made */
  readonly storage?: 'file' | 'memory' | undefined;
  /** how long {@link NatsStore.open} waits for a server, ms, 5 000 */
  readonly connectTimeoutMs?: number | undefined;
  /** how long an operation without a deadline may last, ms, 5 000 */
  readonly operationTimeoutMs?: number | undefined;
  /** operations that may wait for the server, 10 000: one more fails at once */
  readonly maxPendingOperations?: number | undefined;
  /** of one object, bytes of UTF-8, 1 MiB; the server's `max_payload` must be larger */
  readonly maxStateBytes?: number | undefined;
  /** remembered with an object, 100: the oldest go. They are written with each change of it */
  readonly maxRepliesPerObject?: number | undefined;
  /** how long replies of stateless calls are kept at most, ms, 600 000; counts when the bucket is made */
  readonly replyTtlMs?: number | undefined;
}

export const NATS_STORE_DEFAULTS = {
  replicas: 1,
  connectTimeoutMs: 5_000,
  operationTimeoutMs: 5_000,
  maxPendingOperations: 10_000,
  maxStateBytes: DEFAULT_MAX_STATE_BYTES,
  maxRepliesPerObject: 100,
  replyTtlMs: 600_000,
};

/** What a NatsStore goes by. */
export interface NatsStoreSettings extends Readonly<Record<keyof typeof NATS_STORE_DEFAULTS, number>> {
  /** of the bucket */
  readonly name: string;
  readonly storage: 'file' | 'memory';
}

/** @throws ServicesError `BERTH_SERVICE_INVALID` names the option that is wrong */
export function natsStoreSettings(options: NatsStoreOptions): NatsStoreSettings {
  const { bucket: name = 'berth', storage = 'file' } = options;
  if (!/^[\w-]{1,100}$/.test(name))
    throw new ServicesError('BERTH_SERVICE_INVALID', `bucket '${name}' must be 1 to 100 letters, digits, _ and -`);
  if (!['file', 'memory'].includes(storage))
    throw new ServicesError('BERTH_SERVICE_INVALID', `storage is '${storage}'; it must be 'file' or 'memory'`);
  const numbers = wholeNumbers(options, NATS_STORE_DEFAULTS);
  wholeNumber('replicas', numbers.replicas, 1, 5);
  return { ...numbers, name, storage };
}
