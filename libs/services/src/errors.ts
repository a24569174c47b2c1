import { BerthError, type ErrorCode } from '@berth/errors';

/** What an error may add to its message: JSON, never a secret. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** The base of all errors of this library (checklist B12); {@link BerthError} has what its code means. */
export class ServicesError extends BerthError {
  override readonly name: string = 'ServicesError';
  /** when it was made, ISO 8601 */
  readonly timestamp: string = new Date().toISOString();

  /**
   * @param code stable code, `BERTH_SERVICE_…` as a rule
   * @param message for people: names the id or setting and what to do; never a secret
   * @param details what a program may want to read of it
   * @param options `cause`: the error underneath
   */
  constructor(
    code: ErrorCode,
    message: string,
    readonly details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** A class, an option or an id is not what it must be. @param ErrorClass what it was meant for */
export function invalid(
  message: string,
  ErrorClass: new (code: ErrorCode, message: string) => ServicesError = ServicesError,
): ServicesError {
  return new ErrorClass('BERTH_SERVICE_INVALID', message);
}

/** The function server could not be started or stopped (B1, B2). */
export class ServerError extends ServicesError {
  override readonly name = 'ServerError';
}

/** An object agent could not be started or stopped (B5, B7). */
export class AgentError extends ServicesError {
  override readonly name = 'AgentError';
}

/**
 * For methods to throw: an outcome that the caller is meant to handle. Its code, message and details reach the caller
 * as they are; of other errors only the message does.
 */
export class AppError extends Error {
  override readonly name = 'AppError';

  /**
   * @param code the service's own, such as `INSUFFICIENT_FUNDS`
   * @param message for people
   * @param details JSON
   */
  constructor(
    readonly code: string,
    message: string,
    readonly details?: ErrorDetails,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A reply that is not OKAY, at the client. */
export class InvocationError extends ServicesError {
  override readonly name = 'InvocationError';

  /**
   * @param status `INVALID_REQUEST` the request is at fault, `APP_ERROR` the method, `SYSTEM_ERROR` what is between
   * @param appCode of the AppError that the method threw; otherwise the same as `code`
   */
  constructor(
    readonly status: 'INVALID_REQUEST' | 'APP_ERROR' | 'SYSTEM_ERROR',
    code: ErrorCode,
    readonly appCode: string,
    message: string,
    details?: ErrorDetails,
  ) {
    super(code, message, details);
  }
}
