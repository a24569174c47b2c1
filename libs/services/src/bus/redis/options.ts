import type { Log } from '@berth/observability';
import { MAX_MS } from '../../definition/option-checks.js';
import { ServicesError } from '../../errors.js';
import { BUS_DEFAULTS, type BusOptions } from '../bus-options.js';

/** What a {@link RedisBus} is made with. All processes of one bus need the same `keyPrefix` and bounds. */
export interface RedisBusOptions extends BusOptions {
  /** `redis://` or, with TLS, `rediss://`; user and password are written nowhere */
  readonly url: string;
  /**
   * before all names in Redis, 'berth:'; letters, digits and `:._{}-`, at most 100. On a
   * cluster all names must be in one slot: give it a hash tag, such as `{berth}:`
   */
  readonly keyPrefix?: string | undefined;
  /**
   * a worker that is silent for so long counts as dead, ms, 15 000, from 100; it says that it lives
   * three times as often. Also how long the broker may be silent before a new connection is made
   */
  readonly workerTimeoutMs?: number | undefined;
  /** for one attempt to connect, and how long `serve()` waits for the broker, ms, 5 000 */
  readonly connectTimeoutMs?: number | undefined;
  /** default none */
  readonly log?: Log | undefined;
}

const DEFAULTS = {
  ...BUS_DEFAULTS,
  workerTimeoutMs: 15_000,
  connectTimeoutMs: 5_000,
} as const satisfies Partial<Record<keyof RedisBusOptions, number>>;

const LEAST: Partial<Record<keyof typeof DEFAULTS, number>> = { workerTimeoutMs: 100 };
const MOST: Partial<Record<keyof typeof DEFAULTS, number>> = { maxPayloadBytes: 256 * 1024 * 1024 };

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
    const most = MOST[name] ?? MAX_MS;
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
