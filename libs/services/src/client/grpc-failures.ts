import { type ServiceError, status as Grpc } from '@grpc/grpc-js';
import { type ErrorCode, isErrorCode } from '@berth/errors';
import { ServicesError } from '../errors.js';
import { CODE_HEADER } from '../invocation/invocation.js';

/** Why there was no reply, and what that means for another attempt. */
export interface CallFailure {
  readonly error: ServicesError;
  /** it may have reached the method */
  readonly sent: boolean;
  /**
   * `never`: another attempt would end alike. `at-once`: it was refused unseen,
   * as when a connection closes while a call is on its way. `later`: after a pause.
   */
  readonly retry: 'never' | 'at-once' | 'later';
}

/** How grpc-js words HTTP/2's REFUSED_STREAM, which says that no method has seen the call. */
const REFUSED = 'Stream refused by server';
/** How grpc-js ends its words where its resolver had nothing to add. */
const EMPTY_NOTE = /\.? *Resolution note: *$/;
/** How implementations of gRPC word a message over its limit; the status alone may mean a full server. */
const OVERSIZED = /larger than max|size larger than|exceeds maximum size/i;

/**
 * What a gRPC status says about a call.
 *
 * @param error null: the status was OK and no message came
 * @param address for the message
 * @param connected whether a connection was given the call
 */
export function callFailure(error: ServiceError | null, address: string, connected: boolean): CallFailure {
  if (error === null) return lost('the server sent no reply', address, error);
  const { code } = error;
  const details = error.details.replace(EMPTY_NOTE, '');
  const said = codeOf(error);
  if (said !== undefined) return bySaid(said, details, error);
  switch (code) {
    case Grpc.DEADLINE_EXCEEDED:
      return failure('BERTH_SERVICE_TIMEOUT', 'no reply came by the deadline', error, connected, 'never');
    case Grpc.RESOURCE_EXHAUSTED:
      return OVERSIZED.test(details)
        ? failure('BERTH_SERVICE_PAYLOAD_TOO_LARGE', details, error, true, 'never')
        : failure('BERTH_SERVICE_BUSY', `${address} is full: ${details}`, error, false, 'later');
    case Grpc.UNIMPLEMENTED:
      return failure('BERTH_SERVICE_NOT_FOUND', `${address} does not serve oprc.OprcFunction`, error, false, 'never');
    case Grpc.UNAUTHENTICATED:
    case Grpc.PERMISSION_DENIED:
      return failure('BERTH_SERVICE_UNREACHABLE', `${address} refuses this client: ${details}`, error, false, 'never');
    case Grpc.UNAVAILABLE:
      if (!connected)
        return failure('BERTH_SERVICE_UNREACHABLE', `cannot reach ${address}: ${details}`, error, false, 'later');
      if (details === REFUSED)
        return failure(
          'BERTH_SERVICE_UNREACHABLE',
          `${address} is going away and refused the call`,
          error,
          false,
          'at-once',
        );
      return lost(details, address, error);
    default:
      return lost(`${Grpc[code]}: ${details}`, address, error);
  }
}

/** Our own servers say which code they mean. */
function bySaid(code: ErrorCode, details: string, cause: ServiceError): CallFailure {
  if (code === 'BERTH_SERVICE_UNREACHABLE') return failure(code, details, cause, false, 'at-once');
  if (code === 'BERTH_SERVICE_BUSY') return failure(code, details, cause, false, 'later');
  if (code === 'BERTH_SERVICE_OUTCOME_UNKNOWN') return failure(code, details, cause, true, 'later');
  return failure(code, details, cause, true, 'never');
}

function lost(what: string, address: string, cause: unknown): CallFailure {
  const message = `the call to ${address} was lost, and may have taken effect: ${what}`;
  return failure('BERTH_SERVICE_OUTCOME_UNKNOWN', message, cause, true, 'later');
}

function failure(
  code: ErrorCode,
  message: string,
  cause: unknown,
  sent: boolean,
  retry: CallFailure['retry'],
): CallFailure {
  return { error: new ServicesError(code, message, {}, { cause }), sent, retry };
}

function codeOf({ metadata }: ServiceError): ErrorCode | undefined {
  const [value] = metadata.get(CODE_HEADER);
  return typeof value === 'string' && isErrorCode(value) ? value : undefined;
}
