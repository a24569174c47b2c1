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
const OVERSIZED = /larger than max|size larger than|exceeds maximum size|BERTH_BODY_TOO_LARGE/i;
/** With it a gateway of Berth answers by itself, and says whether the call may have got to the server. */
const REACHED_HEADER = 'berth-request-reached';

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
  const said = wordIn(error, CODE_HEADER);
  if (said !== undefined && isErrorCode(said)) return bySaid(said, details, error);
  if (code === Grpc.RESOURCE_EXHAUSTED && OVERSIZED.test(details))
    return failure('BERTH_SERVICE_PAYLOAD_TOO_LARGE', details, error, true, 'never');
  const reached = wordIn(error, REACHED_HEADER);
  if (reached === 'maybe') return lost(details, address, error);
  switch (code) {
    case Grpc.DEADLINE_EXCEEDED:
      return failure('BERTH_SERVICE_TIMEOUT', 'no reply came by the deadline', error, connected, 'never');
    case Grpc.RESOURCE_EXHAUSTED:
      return failure('BERTH_SERVICE_BUSY', `${address} is full: ${details}`, error, false, 'later');
    case Grpc.UNIMPLEMENTED:
      return failure(
        'BERTH_SERVICE_NOT_FOUND',
        `${address} does not serve oprc.OprcFunction: ${details}`,
        error,
        false,
        'never',
      );
    case Grpc.UNAUTHENTICATED:
    case Grpc.PERMISSION_DENIED:
      return refused(`${address} refuses this client: ${details}`, error, 'never');
    case Grpc.UNAVAILABLE:
      if (!connected || reached === 'no') return refused(`cannot reach ${address}: ${details}`, error, 'later');
      if (details === REFUSED) return refused(`${address} is going away and refused the call`, error, 'at-once');
      return lost(details, address, error);
    default:
      if (reached === 'no') return refused(`${address} refuses the call: ${details}`, error, 'never');
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

/** No method has seen it. */
function refused(message: string, cause: unknown, retry: CallFailure['retry']): CallFailure {
  return failure('BERTH_SERVICE_UNREACHABLE', message, cause, false, retry);
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

function wordIn({ metadata }: ServiceError, header: string): string | undefined {
  return metadata.get(header)[0]?.toString();
}
