import { ServicesError } from '../../errors.js';
import { checkObjectId } from '../../objects/object-id.js';
import { MAX_MS, MAX_PARTITION, wholeNumber, wholeNumbers } from '../../numbers.js';
import type { Subscription } from '../invocation-bus.js';
import type { BusOptions } from '../bus-options.js';

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
  const invalid = (what: string): never => {
    throw new ServicesError('BERTH_SERVICE_INVALID', what);
  };
  wholeNumber('concurrency', concurrency);
  if (service.includes('/')) invalid(`service '${service}' has a '/'`);
  wholeNumber('partition', partition, 0, MAX_PARTITION);
  const problem = objectId === undefined ? undefined : checkObjectId(objectId);
  if (problem !== undefined) invalid(problem);
}
