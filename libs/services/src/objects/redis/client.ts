import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, RESP_TYPES } from '@redis/client';
import { messageOf } from '@berth/errors';
import { ServicesError } from '../../errors.js';
import { unavailable } from '../operations.js';

/** What the store needs of a client of `@redis/client`. */
export interface RedisClient {
  readonly isReady: boolean;
  readonly isOpen: boolean;
  sendCommand(args: readonly (string | Buffer)[], options: typeof BINARY): Promise<unknown>;
  on(event: 'ready' | 'end', listener: () => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  off(event: string, listener: (error: unknown) => void): unknown;
  connect(): Promise<unknown>;
  destroy(): void;
}

// A timeout of the client's own would make an AbortSignal for each command; ours is one timer for all.
export const BINARY = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer }, timeout: 0 } as const;

const MAX_RECONNECT_MS = 1_000;

/**
 * A client that connects for as long as it is open.
 *
 * @param connectTimeoutMs the first connection; later ones are tried for ever
 * @param silenceMs then a connection that brings nothing is given up for a new one, also before it is ready
 * @throws ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE`, `BERTH_SERVICE_INVALID` for what is no url
 */
export async function connectClient(url: string, connectTimeoutMs: number, silenceMs: number): Promise<RedisClient> {
  const client = newClient(url, connectTimeoutMs, silenceMs);
  let last = 'no answer';
  const onError = (error: unknown): void => {
    last = messageOf(error);
  };
  client.on('error', onError);
  // Rejects when destroy() ends it, which is told by the timeout then.
  const connected = client.connect().then(
    () => true,
    (thrown: unknown) => {
      onError(thrown);
      return false;
    },
  );
  if (await inTime(connected, connectTimeoutMs, false)) return client;
  if (client.isOpen) client.destroy();
  throw unavailable(`not connected within connectTimeoutMs (${connectTimeoutMs}): ${last}`);
}

/**
 * Objects of a cluster are on several servers, and this client speaks to one.
 *
 * @throws ServicesError `BERTH_SERVICE_INVALID`
 */
export async function refuseCluster(client: RedisClient, timeoutMs: number): Promise<void> {
  // A server that may not be asked, or is slow, is asked for objects soon enough.
  const asked = client.sendCommand(['INFO', 'cluster'], BINARY).catch(() => '');
  const info = String(await inTime(asked, timeoutMs, ''));
  if (/^cluster_enabled:1/m.test(info))
    throw new ServicesError(
      'BERTH_SERVICE_INVALID',
      'this Redis is a server of a cluster: a RedisStore needs one that has all objects, or take a NatsStore',
    );
}

function newClient(url: string, connectTimeoutMs: number, silenceMs: number): ReturnType<typeof createClient> {
  try {
    return createClient({
      url,
      disableOfflineQueue: true,
      commandOptions: { timeout: 0 },
      // So that one on which nothing is asked is not silent.
      pingInterval: Math.ceil(silenceMs / 2),
      socket: {
        connectTimeout: connectTimeoutMs,
        socketTimeout: silenceMs,
        reconnectStrategy: (retries) =>
          Math.min(20 * 2 ** Math.min(retries, 10), MAX_RECONNECT_MS) * (0.5 + Math.random() / 2),
      },
    });
  } catch {
    // Neither the url nor the error, which quotes it, is shown: there may be a password in it.
    throw new ServicesError(
      'BERTH_SERVICE_INVALID',
      'the url of the store of objects is not valid; it looks like redis://user:password@host:6379/0',
    );
  }
}

/** What is pending, or `instead` after so many ms. */
function inTime<T>(pending: Promise<T>, ms: number, instead: T): Promise<T> {
  return Promise.race([pending, sleep(ms, instead, { ref: false })]);
}
