import { ServicesError } from '../../errors.js';
import type { InvocationReply } from '../../invocation/invocation.js';
import { errorReply } from '../../invocation/replies.js';
import type { MemoryBusLimits } from './options.js';
import { ownReply } from '../../runtime/isolation.js';

/** What the caller gets of a handler's reply: a copy, or that it is too large. */
export function handlerReply(
  result: InvocationReply,
  invocationId: string,
  { maxPayloadBytes, payloadBound }: Pick<MemoryBusLimits, 'maxPayloadBytes' | 'payloadBound'>,
): InvocationReply {
  const bytes = result.payload?.length ?? 0;
  if (bytes <= maxPayloadBytes) return ownReply(result, invocationId);
  const message = `the reply has ${bytes} bytes; ${payloadBound} is ${maxPayloadBytes}`;
  return errorReply(invocationId, new ServicesError('BERTH_SERVICE_BAD_RESULT', message, { bytes, maxPayloadBytes }));
}
