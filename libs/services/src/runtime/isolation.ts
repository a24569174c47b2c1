import { type Invocation, type InvocationReply, NO_OPTIONS } from '../invocation/invocation.js';
import { EMPTY } from '../invocation/payload.js';

// Caller and handler live in one process here and in two with a broker. So that
// the difference never shows, nothing that either can change is shared.

function ownBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return EMPTY;
  const copy = Buffer.allocUnsafe(bytes.length);
  copy.set(bytes);
  return copy;
}

function ownOptions(options: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const _name in options) return Object.freeze({ ...options });
  return NO_OPTIONS;
}

/** The invocation as the bus keeps it: its bytes copied, its options copied and frozen. */
export function ownInvocation(invocation: Invocation): Invocation {
  return {
    id: invocation.id,
    service: invocation.service,
    method: invocation.method,
    partition: invocation.partition,
    objectId: invocation.objectId,
    payload: ownBytes(invocation.payload),
    options: ownOptions(invocation.options),
    deadline: invocation.deadline,
    idempotencyKey: invocation.idempotencyKey,
    chain: invocation.chain,
    isRetry: invocation.isRetry,
  };
}

/** A kept invocation for somebody who may change its bytes while the bus still needs them. */
export function lendInvocation(kept: Invocation): Invocation {
  return kept.payload.length === 0 ? kept : { ...kept, payload: ownBytes(kept.payload) };
}

/** A reply as its receiver may keep it. @param invocationId of the invocation it is the answer to */
export function ownReply(reply: InvocationReply, invocationId = reply.invocationId): InvocationReply {
  const { payload, headers } = reply;
  return {
    status: reply.status,
    payload: payload === undefined ? undefined : ownBytes(payload),
    headers: Object.isFrozen(headers) ? headers : { ...headers },
    invocationId,
  };
}
