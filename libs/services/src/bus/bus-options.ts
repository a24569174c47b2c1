import type { Log } from '@berth/observability';
import { invalid } from '../errors.js';
import { DEAD_LETTER_BOUNDS, type DeadLetterBounds, type DeadLetterStore } from '../letters/dead-letter.js';
import { MAX_MS, MAX_PARTITION, wholeNumber, wholeNumbers } from '../numbers.js';
import { checkObjectId } from '../objects/object-id.js';
import type { Subscription } from './invocation-bus.js';

/** What every bus has; all numbers are whole and from 1. */
export interface BusOptions extends DeadLetterBounds {
  /** calls of this process that wait for a reply, 10 000: one more is refused as BUSY */
  readonly maxPendingCalls?: number | undefined;
  /** bytes of payload in all of them, 256 MiB: more is refused as BUSY */
  readonly maxPendingBytes?: number | undefined;
  /** invocations that wait for one object, 1 000: one more is refused as BUSY */
  readonly maxQueuedPerObject?: number | undefined;
  /** invocations that wait for one stateless method, 5 000: one more is refused as BUSY */
  readonly maxQueuedPerMethod?: number | undefined;
  /** of one invocation or reply, 4 MiB, over NATS no more than its `max_payload` has room for: more is PAYLOAD_TOO_LARGE or a reply with BAD_RESULT */
  readonly maxPayloadBytes?: number | undefined;
  /** how many workers may die with one at-least-once invocation, 5 */
  readonly maxDeliveries?: number | undefined;
  /** the wait for a reply of an invocation without a deadline, ms, 30 000 */
  readonly defaultTimeoutMs?: number | undefined;
  /**
   * keeps the dead letters, see `deadLetters()` of NatsStore and RedisStore; it has bounds of its own, and stays its
   * owner's. Default: in memory, those of this process, and gone with it
   */
  readonly deadLetters?: DeadLetterStore | undefined;
  /** default: that of the runtime that uses the bus, if any */
  readonly log?: Log | undefined;
}

export const BUS_DEFAULTS = {
  maxPendingCalls: 10_000,
  maxPendingBytes: 256 * 1024 * 1024,
  maxQueuedPerObject: 1_000,
  maxQueuedPerMethod: 5_000,
  maxPayloadBytes: 4 * 1024 * 1024,
  maxDeliveries: 5,
  defaultTimeoutMs: 30_000,
  ...DEAD_LETTER_BOUNDS,
} as const;

export interface BusLimits extends Readonly<Record<keyof typeof BUS_DEFAULTS, number>> {
  /** what sets `maxPayloadBytes`, for whoever wants to raise it */
  readonly payloadBound: string;
}

/** @throws ServicesError `BERTH_SERVICE_INVALID` for what is no whole number from 1 */
export function busLimits(options: BusOptions): BusLimits {
  return { ...wholeNumbers(options, BUS_DEFAULTS), payloadBound: 'maxPayloadBytes' };
}

/** What a bus over a carrier is made with, beside what the carrier needs. */
export interface CarriedBusOptions extends BusOptions {
  /**
   * a process that is silent for so long counts as dead, ms, 1 500, from 100; it says four times as often that it
   * lives. The same in all processes
   */
  readonly workerTimeoutMs?: number | undefined;
  /** how long `connect()` and `serve()` wait for the broker, ms, 5 000 */
  readonly connectTimeoutMs?: number | undefined;
}

const TIMES = {
  workerTimeoutMs: { default: 1_500, least: 100, most: MAX_MS },
  connectTimeoutMs: { default: 5_000, most: MAX_MS },
};

/** @throws ServicesError `BERTH_SERVICE_INVALID` names the option that is out of its range */
export function carriedBusTimes(options: CarriedBusOptions): Readonly<Record<keyof typeof TIMES, number>> {
  return wholeNumbers(options, TIMES);
}

/** @throws ServicesError `BERTH_SERVICE_INVALID` */
export function checkSubscription({ service, partition, objectId, concurrency }: Subscription): void {
  wholeNumber('concurrency', concurrency);
  if (service.includes('/')) throw invalid(`service '${service}' has a '/'`);
  wholeNumber('partition', partition, 0, MAX_PARTITION);
  const problem = objectId === undefined ? undefined : checkObjectId(objectId);
  if (problem !== undefined) throw invalid(problem);
}
