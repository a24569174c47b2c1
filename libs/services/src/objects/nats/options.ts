import type { NatsConnection } from '@nats-io/transport-node';
import { ServicesError } from '../../errors.js';
import type { NatsServer } from '../../nats/connect.js';
import { wholeNumbers } from '../../numbers.js';
import { STORE_DEFAULTS, type StoreOptions } from '../store-options.js';

/** Settings of a NatsStore. Numbers are whole and from 1; the server's `max_payload` must be larger than `maxStateBytes`. */
export interface NatsStoreOptions extends NatsServer, StoreOptions {
  /** a connection of its owner's, which stays open when the store is closed; instead of `servers` */
  readonly client?: NatsConnection | undefined;
  /** the bucket of the objects, 'berth'; that of the replies of stateless calls has `-replies` behind it */
  readonly bucket?: string | undefined;
  /** servers of a cluster that keep each value, 1 to 5, 1; more than one with NATS 2.11 or later; counts when a bucket is made */
  readonly replicas?: number | undefined;
  /** where servers keep values, 'file'; in 'memory' they are gone with the servers; counts when a bucket is made */
  readonly storage?: 'file' | 'memory' | undefined;
  /** how long replies of stateless calls are kept at most, ms, 600 000; counts when the bucket is made */
  readonly replyTtlMs?: number | undefined;
}

export const NATS_STORE_DEFAULTS = { ...STORE_DEFAULTS, replicas: 1, replyTtlMs: 600_000 };

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
  const replicas = { default: NATS_STORE_DEFAULTS.replicas, most: 5 };
  return { ...wholeNumbers(options, { ...NATS_STORE_DEFAULTS, replicas }), name, storage };
}
