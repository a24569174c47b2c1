import { messageOf } from '#errors';
import { ServicesError } from '../errors.js';
import type { ErrorReplyBody, InvocationReply } from '../invocation/invocation.js';
import { errorReply } from '../invocation/replies.js';

/** The reply for a handler that broke its promise not to reject: SYSTEM_ERROR. */
export function handlerFailed(thrown: unknown, invocationId: string): InvocationReply {
  return errorReply(invocationId, new ServicesError('BERTH_INTERNAL', messageOf(thrown), {}, { cause: thrown }));
}

/** The error's text in a reply that is not OKAY, where it has one. */
export function messageIn({ payload }: InvocationReply): string | undefined {
  if (payload === undefined) return undefined;
  try {
    const body = JSON.parse(Buffer.from(payload).toString()) as Partial<ErrorReplyBody> | null;
    const message: unknown = body?.error?.message;
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}
