import { type ServiceError, status as Grpc } from '@grpc/grpc-js';
import { type ErrorCode, isErrorCode } from '@berth/errors';
import { ServicesError } from '../errors.js';
import { CODE_HEADER } from '../invocation/invocation.js';

/** `at-once`: it was refused unseen, as when a connection closes while a call is on its way. `later`: after a pause. */
type Retry = 'never' | 'at-once' | 'later';

/** Why there was no reply, and what that means for another attempt. */
export interface CallFailure {
  readonly error: ServicesError;
  /** it may have reached the method */
  readonly sent: boolean;
  /** `never`: another attempt would end alike */
  readonly retry: Retry;
}

/** What a code means, unless the status says more: for all others another attempt would end alike. */
const RETRIES: Readonly<Partial<Record<ErrorCode, Retry>>> = {
  BERTH_SERVICE_UNREACHABLE: 'at-once',
  BERTH_SERVICE_BUSY: 'later',
  BERTH_SERVICE_OUTCOME_UNKNOWN: 'later',
};
/** Codes of calls that no method has seen. */
const UNSENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BERTH_SERVICE_UNREACHABLE',
  'BERTH_SERVICE_BUSY',
  'BERTH_SERVICE_NOT_FOUND',
]);

/** How grpc-js words HTTP/2's REFUSED_STREAM, which says that no method has seen the call. */
const REFUSED = 'Stream refused by server';
/**
 * How Node words that a connection has no number left for another stream, after 2^30 of them: nothing was sent. Behind
 * what grpc-js says of its own end: a server may have run a call of which it says that.
 */
const USED_UP =
  /^(?:Received RST_STREAM with code \d+ triggered by internal client error:|Failed to start HTTP\/2 stream with error) No stream ID is available/;
/** How grpc-js words that a call ended with OK, and without a message. */
const NO_REPLY = 'No message received';
/** How grpc-js ends its words where its resolver had nothing to add. */
const EMPTY_NOTE = /\.? *Resolution note: *$/;
/** How implementations of gRPC word a message over its limit; the status alone may mean a full server. */
const OVERSIZED = /larger than max|size larger than|exceeds maximum size|BERTH_BODY_TOO_LARGE/i;
/** With it a gateway of Berth answers by itself, and says whether the call may have got to the server. */
const REACHED_HEADER = 'berth-request-reached';

/** Whether a connection can carry no further call. */
export const isUsedUp = (cause: Partial<ServiceError> | null): boolean => USED_UP.test(cause?.details ?? '');

/**
 * What a gRPC status says about a call.
 *
 * @param cause null: the status was OK and no message came
 * @param address for the message
 * @param connected whether a connection was given the call
 */
export function callFailure(cause: ServiceError | null, address: string, connected: boolean): CallFailure {
  const failure = (code: ErrorCode, message: string, retry = RETRIES[code] ?? 'never'): CallFailure => ({
    error: new ServicesError(code, message, {}, { cause }),
    sent: !UNSENT.has(code),
    retry,
  });
  const lost = (what: string): CallFailure =>
    failure('BERTH_SERVICE_OUTCOME_UNKNOWN', `the call to ${address} was lost, and may have taken effect: ${what}`);
  const refused = (message: string, retry: Retry): CallFailure => failure('BERTH_SERVICE_UNREACHABLE', message, retry);

  // Of a reply that it cannot unpack grpc-js makes an error that has none of the fields.
  const { code, details: words = 'its reply cannot be unpacked' }: Partial<ServiceError> = cause ?? {};
  if (cause === null || words === NO_REPLY) return lost('the server sent no reply');
  const details = words.replace(EMPTY_NOTE, '');
  // Our own servers say which code they mean.
  const said = wordIn(cause, CODE_HEADER);
  if (said !== undefined && isErrorCode(said)) return failure(said, details);
  if (code === Grpc.RESOURCE_EXHAUSTED && OVERSIZED.test(details))
    return failure('BERTH_SERVICE_PAYLOAD_TOO_LARGE', details);
  const reached = wordIn(cause, REACHED_HEADER);
  if (reached === 'maybe') return lost(details);
  if (isUsedUp(cause)) return refused(`the connection to ${address} takes no more calls`, 'at-once');
  switch (code) {
    case Grpc.DEADLINE_EXCEEDED:
      return failure('BERTH_SERVICE_TIMEOUT', 'no reply came by the deadline');
    case Grpc.RESOURCE_EXHAUSTED:
      return failure('BERTH_SERVICE_BUSY', `${address} is full: ${details}`);
    case Grpc.UNIMPLEMENTED:
      return failure('BERTH_SERVICE_NOT_FOUND', `${address} does not serve oprc.OprcFunction: ${details}`);
    case Grpc.UNAUTHENTICATED:
    case Grpc.PERMISSION_DENIED:
      return refused(`${address} refuses this client: ${details}`, 'never');
    case Grpc.UNAVAILABLE:
      if (!connected || reached === 'no') return refused(`cannot reach ${address}: ${details}`, 'later');
      if (details === REFUSED) return refused(`${address} is going away and refused the call`, 'at-once');
      return lost(details);
    default:
      if (reached === 'no') return refused(`${address} refuses the call: ${details}`, 'never');
      return lost(`${Grpc[code ?? Grpc.INTERNAL]}: ${details}`);
  }
}

function wordIn({ metadata }: Partial<ServiceError>, header: string): string | undefined {
  return metadata?.get(header)[0]?.toString();
}
