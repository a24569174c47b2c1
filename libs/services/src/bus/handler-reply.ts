import { messageOf } from '@berth/errors';
import { ServicesError } from '../errors.js';
import { CODE_HEADER, type ErrorReplyBody, type InvocationReply } from '../invocation/invocation.js';
import { errorReply, isFailure } from '../invocation/replies.js';
import { ownReply } from '../runtime/isolation.js';
import type { BusLimits } from './bus-options.js';
import type { BusDelivery } from './invocation-bus.js';

/** What the caller gets of a handler's reply: a copy, or that it is too large. */
export function handlerReply(
  result: InvocationReply,
  invocationId: string,
  { maxPayloadBytes, payloadBound }: Pick<BusLimits, 'maxPayloadBytes' | 'payloadBound'>,
): InvocationReply {
  const bytes = result.payload?.length ?? 0;
  if (bytes <= maxPayloadBytes) return ownReply(result, invocationId);
  const message = `the reply has ${bytes} bytes; ${payloadBound} is ${maxPayloadBytes}`;
  return errorReply(invocationId, new ServicesError('BERTH_SERVICE_BAD_RESULT', message, { bytes, maxPayloadBytes }));
}

/** The reply for a handler that broke its promise not to reject: SYSTEM_ERROR. */
export function handlerFailed(thrown: unknown, invocationId: string): InvocationReply {
  return errorReply(invocationId, new ServicesError('BERTH_INTERNAL', messageOf(thrown), {}, { cause: thrown }));
}

/**
 * Whether an at-least-once invocation that ended so is a dead letter. A method that gave up because its caller has
 * left did what it was asked for.
 */
export function isDeadLetter(reply: InvocationReply, delivery: Pick<BusDelivery, 'signal'>): boolean {
  if (!isFailure(reply)) return false;
  // Not before: a signal is made when somebody asks for it.
  const reason = delivery.signal.reason as ServicesError | undefined;
  return reason?.code !== 'BERTH_SERVICE_CANCELLED' || !gaveUp(reply, reason);
}

/** What retries end with, a method that throws its signal's reason, and one that waited with the signal. */
function gaveUp(reply: InvocationReply, reason: ServicesError): boolean {
  const error = errorIn(reply);
  return (
    reply.headers[CODE_HEADER] === reason.code ||
    error?.message === reason.message ||
    error?.details?.['name'] === 'AbortError'
  );
}

/** The error's text in a reply that is not OKAY, where it has one. */
export function messageIn(reply: InvocationReply): string | undefined {
  const message: unknown = errorIn(reply)?.message;
  return typeof message === 'string' ? message : undefined;
}

function errorIn({ payload }: InvocationReply): Partial<ErrorReplyBody['error']> | undefined {
  if (payload === undefined) return undefined;
  try {
    return (JSON.parse(Buffer.from(payload).toString()) as Partial<ErrorReplyBody> | null)?.error;
  } catch {
    return undefined;
  }
}
