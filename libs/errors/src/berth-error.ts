import { ERROR_TABLE, type ErrorCode } from './codes.js';
import type { GrpcStatus } from './grpc-status.js';

/**
 * The error that domain code throws; the services' errors extend it. Its surface (HTTP status, gRPC
 * status) follows from the code; see {@link ERROR_TABLE}.
 */
export class BerthError extends Error {
  override readonly name: string = 'BerthError';

  /**
   * @param code stable code
   * @param message for people: names the setting or the id and what to do; never a secret
   * @param options `cause`: the error underneath
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  get httpStatus(): number {
    return ERROR_TABLE[this.code].http;
  }

  get grpcStatus(): GrpcStatus {
    return ERROR_TABLE[this.code].grpc;
  }

  get retryable(): boolean {
    return ERROR_TABLE[this.code].retryable;
  }

  /** Any thrown value as a BerthError; unknown ones become `BERTH_INTERNAL` with the cause kept. */
  static from(thrown: unknown): BerthError {
    if (thrown instanceof BerthError) return thrown;
    return new BerthError('BERTH_INTERNAL', 'internal error', { cause: thrown });
  }
}

/** The text of any thrown value, for logs and messages. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
