import type { MemberDefinition } from '../definition/service-definition.js';
import { ServicesError } from '../errors.js';
import type { CallLimits } from './call-limits.js';
import { methodFailed } from './replies.js';
import { appErrorOf } from './thrown.js';
import { steadyNow } from '../runtime/clock.js';

/** What a method threw, told apart from what went wrong around it. */
export class MethodThrew extends Error {
  constructor(readonly thrown: unknown) {
    super('the method threw', { cause: thrown });
  }
}

/**
 * Waits for a method, at most until the deadline.
 *
 * @param result what the method returned, as a promise: what it resolves with is no promise again
 * @param onLate told when the deadline came first
 * @throws MethodThrew; ServicesError `BERTH_SERVICE_TIMEOUT`
 */
export function settled(
  result: Promise<unknown>,
  limits: CallLimits,
  onLate: (reason: ServicesError) => void,
): Promise<unknown> {
  return new Promise((resolve, reject: (reason: Error) => void) => {
    const alarm = limits.atDeadline(() => {
      const reason = new ServicesError('BERTH_SERVICE_TIMEOUT', 'the method did not end by its deadline');
      reject(reason);
      onLate(reason);
    });
    const threw = (thrown: unknown): void => {
      limits.callOff(alarm);
      reject(new MethodThrew(thrown));
    };
    try {
      result.then((value) => {
        limits.callOff(alarm);
        resolve(value);
      }, threw);
    } catch (thrown) {
      // A promise may have a `then` of its own, and that throws.
      threw(thrown);
    }
  });
}

/**
 * Runs a method again as its `retryCount` says (checklist B16), unless it threw
 * an AppError, which is an outcome and no fault, the deadline would pass first,
 * or the caller has left.
 *
 * @throws ServicesError `BERTH_SERVICE_METHOD_FAILED` with the original message after one attempt, and with
 *   their number after several; `BERTH_SERVICE_CANCELLED`; whatever `run` throws that is no MethodThrew
 */
export async function withRetries<T>(
  { retryCount, retryDelayMs }: MemberDefinition,
  limits: CallLimits,
  run: (attempt: number) => T | Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run(attempt);
    } catch (failure) {
      if (!(failure instanceof MethodThrew)) throw failure;
      // No attempt ends otherwise, and whoever is around the ring shall know it as what it is.
      if (isCycle(failure.thrown)) throw failure.thrown;
      const over = attempt > retryCount || steadyNow() + retryDelayMs >= limits.deadline;
      if (over || appErrorOf(failure.thrown) !== undefined) throw methodFailed(failure.thrown, attempt);
    }
    await limits.pause(retryDelayMs);
  }
}

function isCycle(thrown: unknown): thrown is ServicesError {
  try {
    return thrown instanceof ServicesError && thrown.code === 'BERTH_SERVICE_CALL_CYCLE';
  } catch {
    // What is thrown may throw when it is looked at.
    return false;
  }
}
