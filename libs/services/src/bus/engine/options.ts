import type { Log } from '@berth/observability';
import { ServicesError } from '../../errors.js';
import { MAX_MS, MAX_PARTITION } from '../../definition/option-checks.js';
import { checkObjectId } from '../../objects/object-id.js';
import { wholeNumber } from '../../runtime/whole-number.js';
import type { Subscription } from '../invocation-bus.js';
import type { MemoryBusOptions } from '../memory/options.js';

/** What a bus over a carrier is made with, beside what the carrier needs. */
export interface CarriedBusOptions extends MemoryBusOptions {
  /**
   * a process that is silent for so long counts as dead, ms, 1 500, from 100; it says four times as often that it
   * lives. The same in all processes
   */
  readonly workerTimeoutMs?: number | undefined;
  /** how long `connect()` and `serve()` wait for the broker, ms, 5 000 */
  readonly connectTimeoutMs?: number | undefined;
  /** default none */
  readonly log?: Log | undefined;
}

const DEFAULTS = { workerTimeoutMs: 1_500, connectTimeoutMs: 5_000 } as const;
const LEAST = { workerTimeoutMs: 100, connectTimeoutMs: 1 } as const;

/** @throws ServicesError `BERTH_SERVICE_INVALID` names the option that is out of its range */
export function carriedBusTimes(options: CarriedBusOptions): Readonly<Record<keyof typeof DEFAULTS, number>> {
  const times = { ...DEFAULTS } as Record<keyof typeof DEFAULTS, number>;
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const value = options[name] ?? DEFAULTS[name];
    if (!Number.isSafeInteger(value) || value < LEAST[name] || value > MAX_MS)
      throw new ServicesError(
        'BERTH_SERVICE_INVALID',
        `${name} is ${value}; it must be whole milliseconds, ${LEAST[name]} to ${MAX_MS}`,
        { option: name },
      );
    times[name] = value;
  }
  return times;
}

/** @throws ServicesError `BERTH_SERVICE_INVALID` */
export function checkSubscription({ service, partition, objectId, concurrency }: Subscription): void {
  const invalid = (what: string): never => {
    throw new ServicesError('BERTH_SERVICE_INVALID', what);
  };
  wholeNumber('concurrency', concurrency);
  if (service.includes('/')) invalid(`service '${service}' has a '/'`);
  if (!Number.isInteger(partition) || partition < 0 || partition > MAX_PARTITION)
    invalid(`partition is ${partition}; it must be 0 to ${MAX_PARTITION}`);
  const problem = objectId === undefined ? undefined : checkObjectId(objectId);
  if (problem !== undefined) invalid(problem);
}
