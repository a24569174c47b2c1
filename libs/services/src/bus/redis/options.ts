import type { Log } from '#observability';
import { ServicesError } from '../../errors.js';

/** What a {@link RedisBus} is made with. All processes of one bus need the same `keyPrefix` and bounds. */
export interface RedisBusOptions {
  /** `redis://` or, with TLS, `rediss://`; user and password are written nowhere */
  readonly url: string;
  /**
   * before all names in Redis, 'berth:'; letters, digits and `:._{}-`, at most 100. On a
   * cluster all names must be in one slot: give it a hash tag, such as `{berth}:`
   */
  readonly keyPrefix?: string | undefined;
  /** calls of this process that wait for a reply, 10 000: one more is refused as BUSY */
  readonly maxPendingCalls?: number | undefined;
  /** bytes of payload in all of them, 256 MiB: more is refused as BUSY */
  readonly maxPendingBytes?: number | undefined;
  /** invocations that wait for one object, 1 000: one more is refused as BUSY */
  readonly maxQueuedPerObject?: number | undefined;
  /** invocations that wait for one stateless method, 5 000: one more is refused as BUSY */
  readonly maxQueuedPerMethod?: number | undefined;
  /** of an invocation or a reply, 4 MiB, at most 256 MiB: more is refused as PAYLOAD_TOO_LARGE or BAD_RESULT */
  readonly maxPayloadBytes?: number | undefined;
  /** how many workers may die with one at-least-once invocation, 5 */
  readonly maxDeliveries?: number | undefined;
  /** the wait for a reply of an invocation without a deadline, ms, 30 000 */
  readonly defaultTimeoutMs?: number | undefined;
  /**
   * a worker that is silent for so long counts as dead, ms, 15 000, from 100; it says that it lives
   * three times as often. Also how long the broker may be silent before a new connection is made
   */
  readonly workerTimeoutMs?: number | undefined;
  /** dead letters kept for each service and partition, 1 000; the oldest are dropped */
  readonly deadLetterLimit?: number | undefined;
  /** for one attempt to connect, and how long `serve()` waits for the broker, ms, 5 000 */
  readonly connectTimeoutMs?: number | undefined;
  /** default none */
  readonly log?: Log | undefined;
}

const DEFAULTS = {
  maxPendingCalls: 10_000,
  maxPendingBytes: 256 * 1024 * 1024,
  maxQueuedPerObject: 1_000,
  maxQueuedPerMethod: 5_000,
  maxPayloadBytes: 4 * 1024 * 1024,
  maxDeliveries: 5,
  defaultTimeoutMs: 30_000,
  workerTimeoutMs: 15_000,
  deadLetterLimit: 1_000,
  connectTimeoutMs: 5_000,
} as const satisfies Partial<Record<keyof RedisBusOptions, number>>;

const LEAST: Partial<Record<keyof typeof DEFAULTS, number>> = { workerTimeoutMs: 100 };
const MOST: Partial<Record<keyof typeof DEFAULTS, number>> = { maxPayloadBytes: 256 * 1024 * 1024 };
/** Longest time a timer can wait, ms. */
const LONGEST_MS = 2 ** 31 - 1;

export type RedisBusLimits = Readonly<Record<keyof typeof DEFAULTS, number>> & { readonly keyPrefix: string };

/** @throws ServicesError `BERTH_SERVICE_INVALID` names the option that is wrong */
export function redisBusLimits(options: RedisBusOptions): RedisBusLimits {
  checkUrl(options.url);
  const keyPrefix = options.keyPrefix ?? 'berth:';
  // It becomes part of a script.
  if (!/^[\w:.{}-]{0,100}$/.test(keyPrefix))
    throw invalid('keyPrefix', 'may have letters, digits and :._{}-, at most 100 characters');
  const limits: Record<string, number> = {};
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const value = options[name] ?? DEFAULTS[name];
    const least = LEAST[name] ?? 1;
    const most = MOST[name] ?? LONGEST_MS;
    if (!Number.isSafeInteger(value) || value < least || value > most)
      throw invalid(name, `is ${value}; it must be a whole number ${least}..${most}`);
    limits[name] = value;
  }
  return { ...(limits as Record<keyof typeof DEFAULTS, number>), keyPrefix };
}

function checkUrl(text: string): void {
  const url = URL.parse(text);
  // What is wrong with it may be its password: it is not shown.
  if (url === null || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '')
    throw invalid('url', 'of the bus must be redis://[user:password@]host[:port][/number], or rediss:// with TLS');
}

function invalid(option: string, what: string): ServicesError {
  return new ServicesError('BERTH_SERVICE_INVALID', `${option} ${what}`, { option });
}
