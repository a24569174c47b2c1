import { STATUS_CODES } from 'node:http';
import Negotiator from 'negotiator';
import { type BerthError, errorBody, type ProblemBody } from '@berth/errors';

const PROBLEM = 'application/problem+json';
/** What is sent to whoever does not say, or takes anything, stands first. */
const OFFERED = ['application/json', PROBLEM];

/** What of a request decides how an error is written to its client. */
export interface Asked {
  /** its `Accept` */
  readonly accept: string | undefined;
  /** path with or without a query, as it came */
  readonly target: string | undefined;
}

/**
 * An error in the words that a client asks for: JSON, or a problem (RFC 9457).
 *
 * @param status of the answer
 */
export function errorText(
  error: BerthError,
  requestId: string,
  { accept, target = '' }: Asked,
  status = error.httpStatus,
): { type: string; body: string } {
  if (!prefersProblem(accept)) {
    return { type: 'application/json; charset=utf-8', body: JSON.stringify(errorBody(error, requestId)) };
  }
  const problem: ProblemBody = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: error.message,
    // A query may hold what is not for logs.
    instance: target.split('?', 1)[0] ?? '',
    code: error.code,
    request_id: requestId,
  };
  return { type: PROBLEM, body: JSON.stringify(problem) };
}

function prefersProblem(accept: string | undefined): boolean {
  if (accept === undefined || !/problem/i.test(accept)) return false;
  return new Negotiator({ headers: { accept } }).mediaType(OFFERED) === PROBLEM;
}
