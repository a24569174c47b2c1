import type { Delivery, Invocation } from '../invocation/invocation.js';
import { wholeNumbers } from '../numbers.js';

/** An invocation that nobody could complete. */
export interface DeadLetter {
  /** of the letter: its invocation's. A call that fails again has one letter, the newer one */
  readonly id: string;
  /** the message key, {@link invocationKey} */
  readonly key: string;
  /** without its deadline */
  readonly invocation: Invocation;
  readonly delivery: Delivery;
  /** deliveries begun, those of retries with them, as far as whoever retried knows */
  readonly attempts: number;
  /** `failed`: its retries are used up; `worker-lost`: too many workers, or the only permitted one, died with it; `expired` */
  readonly reason: 'failed' | 'worker-lost' | 'expired';
  /** the last error's text, where there is one */
  readonly message?: string | undefined;
  /** ISO 8601 */
  readonly at: string;
}

/**
 * Keeps dead letters, so many and no more: the oldest make room for new ones.
 *
 * All methods throw ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE` when the store is away, full or closed.
 */
export interface DeadLetterStore {
  /**
   * Keeps a letter, in place of one with its id; it is the newest then.
   *
   * @param deadline {@link steadyNow}; a store that is away for a while should try again until then
   * @throws ServicesError also `BERTH_SERVICE_PAYLOAD_TOO_LARGE`, `BERTH_SERVICE_TIMEOUT` at the deadline and
   *   `BERTH_SERVICE_OUTCOME_UNKNOWN` when it was sent and not confirmed
   */
  add(letter: DeadLetter, deadline?: number): Promise<void>;
  /** Those of a service in a partition, oldest first. @param limit 1.. or Infinity */
  list(service: string, partition: number, limit: number): Promise<DeadLetter[]>;
  get(service: string, partition: number, id: string): Promise<DeadLetter | undefined>;
  /** @returns whether it was there */
  remove(service: string, partition: number, id: string): Promise<boolean>;
}

/** How many dead letters are kept; all are whole numbers from 1. */
export interface DeadLetterBounds {
  /** of each service in each partition, 1 000 */
  readonly deadLetterLimit?: number | undefined;
  /** bytes of those, 16 MiB; in NATS only {@link deadLetterTotalBytes} counts */
  readonly deadLetterBytes?: number | undefined;
  /** of all services together, 10 000 */
  readonly deadLetterTotal?: number | undefined;
  /** bytes of all together, 64 MiB */
  readonly deadLetterTotalBytes?: number | undefined;
}

export const DEAD_LETTER_BOUNDS = {
  deadLetterLimit: 1_000,
  deadLetterBytes: 16 * 1024 * 1024,
  deadLetterTotal: 10_000,
  deadLetterTotalBytes: 64 * 1024 * 1024,
} as const satisfies Required<DeadLetterBounds>;

export type DeadLetterLimits = Readonly<Record<keyof typeof DEAD_LETTER_BOUNDS, number>>;

/** @throws ServicesError `BERTH_SERVICE_INVALID` for a bound that is no whole number from 1 */
export function deadLetterLimits(bounds: DeadLetterBounds = {}): DeadLetterLimits {
  return wholeNumbers(bounds, DEAD_LETTER_BOUNDS);
}
