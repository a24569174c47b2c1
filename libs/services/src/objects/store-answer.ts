import { ServicesError } from '../errors.js';
import type { CallLimits } from '../invocation/call-limits.js';

/** A store that knows of deadlines gets this long to say itself what came of an operation, ms. */
const GRACE_MS = 20;

/**
 * What a store reads for a call, waited for until the call's deadline.
 *
 * @param what does not come about when it does not answer
 * @throws ServicesError `BERTH_SERVICE_TIMEOUT`; what the store rejects with
 */
export function answered<T>(pending: PromiseLike<T>, limits: CallLimits, what: string): Promise<T> {
  return inTime(pending, limits, 'BERTH_SERVICE_TIMEOUT', `the store had not answered: ${what}`);
}

/**
 * What a store writes for a call, waited for until the call's deadline.
 *
 * @throws ServicesError `BERTH_SERVICE_OUTCOME_UNKNOWN`; what the store rejects with
 */
export function confirmed<T>(pending: PromiseLike<T>, limits: CallLimits): Promise<T> {
  return inTime(pending, limits, 'BERTH_SERVICE_OUTCOME_UNKNOWN', 'the method ended, and the store had not saved it');
}

function inTime<T>(
  pending: PromiseLike<T>,
  limits: CallLimits,
  code: 'BERTH_SERVICE_TIMEOUT' | 'BERTH_SERVICE_OUTCOME_UNKNOWN',
  what: string,
): Promise<T> {
  return new Promise((resolve, reject: (reason: Error) => void) => {
    let grace: NodeJS.Timeout | undefined;
    const late = (): void => reject(new ServicesError(code, `the deadline passed: ${what}`));
    const alarm = limits.atDeadline(() => {
      grace = setTimeout(late, GRACE_MS);
    });
    const over = (): void => {
      limits.callOff(alarm);
      clearTimeout(grace);
    };
    pending.then(
      (value) => {
        over();
        resolve(value);
      },
      (thrown: unknown) => {
        over();
        reject(thrown as Error);
      },
    );
  });
}
