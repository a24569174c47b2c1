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
  return limits.within(pending, `the store had not answered: ${what}`, undefined, undefined, GRACE_MS);
}

/**
 * What a store writes for a call, waited for until the call's deadline.
 *
 * @throws ServicesError `BERTH_SERVICE_OUTCOME_UNKNOWN`; `BERTH_SERVICE_BAD_RESULT` it is too large; what the store
 *   rejects with
 */
export function confirmed<T>(pending: PromiseLike<T>, limits: CallLimits): Promise<T> {
  const what = 'the method ended, and the store had not saved it';
  return limits.within(pending, what, unknown, refused, GRACE_MS);
}

function unknown(what: string): ServicesError {
  return new ServicesError('BERTH_SERVICE_OUTCOME_UNKNOWN', `the deadline passed: ${what}`);
}

/** Of what is too large: the request was fine; what the method made of it was not. */
function refused(thrown: unknown): Error {
  if (!(thrown instanceof ServicesError) || thrown.code !== 'BERTH_SERVICE_PAYLOAD_TOO_LARGE') return thrown as Error;
  return new ServicesError('BERTH_SERVICE_BAD_RESULT', thrown.message, thrown.details, { cause: thrown });
}
