import { BerthError, type ErrorCode, messageOf } from '@berth/errors';

/** What went wrong with one server. */
export interface ServerFailure {
  /** of the server, or its place in a list where it has none */
  readonly name: string;
  /** its key, or what was written for it */
  readonly bind: string;
  readonly error: Error;
}

/** Codes of errors that are about several servers at once. */
export type ServerPoolErrorCode = Extract<ErrorCode, `BERTH_SERVER_POOL_${string}`>;

/** What became of an operation on many servers when at least one failed: one error that names each of them (checklist D5). */
export class ServerPoolError extends BerthError {
  override readonly name = 'ServerPoolError';

  /** @param what the operation, such as `could not be started` */
  constructor(
    code: ServerPoolErrorCode,
    what: string,
    readonly failures: readonly ServerFailure[],
    total: number,
  ) {
    const each = failures.map(({ name, bind, error }) => `${name} [${bind}]: ${error.message}`);
    super(code, `${failures.length} of ${total} servers ${what}: ${each.join('; ')}`, { cause: failures[0]?.error });
  }
}

/** Any thrown value as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}
