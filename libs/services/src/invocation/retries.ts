import type { MemberDefinition } from '../definition/service-definition.js';
import { ServicesError } from '../errors.js';
import { steadyNow } from '../runtime/clock.js';
import type { CallLimits } from './call-limits.js';
import { appErrorOf, safely } from './error-text.js';
import { methodFailed } from './replies.js';

/** What a method threw, told apart from what went wrong around it. */
export class MethodThrew extends Error {
  constructor(readonly thrown: unknown) {
    super('the method threw', { cause: thrown });
  }
}

/**
 * Runs a method again as its `retryCount` says (checklist B16), unless it threw an AppError, which is an outcome and no
 * fault, the deadline would pass first, or the caller has left.
 *
 * @throws ServicesError `BERTH_SERVICE_METHOD_FAILED` with the original message after one attempt, and with their
 *   number after several; `BERTH_SERVICE_CANCELLED`; whatever `run` throws that is no MethodThrew
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
      const { thrown } = failure;
      // No attempt ends otherwise, and whoever is around the ring shall know it as what it is.
      const cycle = safely(() => cycleIn(thrown));
      if (cycle !== undefined) throw cycle;
      const over = attempt > retryCount || steadyNow() + retryDelayMs >= limits.deadline;
      if (over || appErrorOf(thrown) !== undefined) throw methodFailed(thrown, attempt);
    }
    await limits.pause(retryDelayMs);
  }
}

function cycleIn(thrown: unknown): ServicesError | undefined {
  return thrown instanceof ServicesError && thrown.code === 'BERTH_SERVICE_CALL_CYCLE' ? thrown : undefined;
}
