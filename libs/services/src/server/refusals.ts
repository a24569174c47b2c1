import { Metadata, type StatusObject, status as Grpc } from '@grpc/grpc-js';
import type { ErrorCode } from '@berth/errors';
import { CODE_HEADER } from '../invocation/invocation.js';

/** Why a call gets a gRPC status instead of an InvocationResponse. */
export interface Refusal {
  readonly status: Grpc;
  /** in the trailer `berth-code`, so that clients can tell causes of one status apart */
  readonly code: ErrorCode;
  readonly message: string;
}

export const QUEUE_FULL: Refusal = {
  status: Grpc.RESOURCE_EXHAUSTED,
  code: 'BERTH_SERVICE_BUSY',
  message: 'too many calls wait already (maxQueuedCalls): try again later',
};
export const REPLIES_FULL: Refusal = {
  status: Grpc.RESOURCE_EXHAUSTED,
  code: 'BERTH_SERVICE_OUTCOME_UNKNOWN',
  message: 'the call ended, and its reply cannot be held beside those that nobody has taken (maxHeldBytes)',
};
export const STOPPING: Refusal = {
  status: Grpc.UNAVAILABLE,
  code: 'BERTH_SERVICE_UNREACHABLE',
  message: 'the server is stopping, and the call was not run: try another one',
};
export const CUT_OFF: Refusal = {
  status: Grpc.UNAVAILABLE,
  code: 'BERTH_SERVICE_OUTCOME_UNKNOWN',
  message: 'the server stopped before the call ended: whether it took effect is not known',
};
export const UNSENDABLE: Refusal = {
  status: Grpc.INTERNAL,
  code: 'BERTH_SERVICE_BAD_RESULT',
  message: 'the call ended, and its reply cannot be sent',
};

/** A refusal for a handler's callback. */
export function refusalStatus({ status, code, message }: Refusal): StatusObject {
  const metadata = new Metadata();
  metadata.set(CODE_HEADER, code);
  return { code: status, details: message, metadata };
}
