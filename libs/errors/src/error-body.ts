import type { BerthError } from './berth-error.js';

/** Every error answer of Berth over HTTP (checklist A9). */
export interface ErrorBody {
  error: {
    /** stable code, `BERTH_…` */
    code: string;
    message: string;
    /** finds the request in the logs */
    request_id: string;
  };
}

/** The same as a problem (RFC 9457), for clients that ask for `application/problem+json`. */
export interface ProblemBody {
  /** always `about:blank`: `code` says what kind of problem it is */
  type: string;
  /** that of the status */
  title: string;
  /** HTTP status */
  status: number;
  /** the error's message */
  detail: string;
  /** path of the request */
  instance: string;
  /** stable code, `BERTH_…` */
  code: string;
  /** finds the request in the logs */
  request_id: string;
}

/** The JSON body of an error answer. */
export function errorBody(error: BerthError, requestId: string): ErrorBody {
  return { error: { code: error.code, message: error.message, request_id: requestId } };
}
