import { type Invocation, type InvocationReply, NO_OPTIONS } from '../invocation/invocation.js';
import { EMPTY } from '../invocation/payload.js';

// Caller and handler may live in one process or in two. So that it never shows, nothing that either can change is shared.

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
  const { id, service, method, partition, objectId, deadline, idempotencyKey, chain, isRetry } = invocation;
  const payload = ownBytes(invocation.payload);
  const options = ownOptions(invocation.options);
  return { id, service, method, partition, objectId, payload, options, deadline, idempotencyKey, chain, isRetry };
}

/** A kept invocation for somebody who may change its bytes while the bus still needs them. */
export function lendInvocation(kept: Invocation): Invocation {
  return kept.payload.length === 0 ? kept : { ...kept, payload: ownBytes(kept.payload) };
}

/** A reply as its receiver may keep it. @param invocationId of the invocation it is the answer to */
export function ownReply(reply: InvocationReply, invocationId = reply.invocationId): InvocationReply {
  const { status, payload: given, headers: words } = reply;
  const payload = given === undefined ? undefined : ownBytes(given);
  const headers = Object.isFrozen(words) ? words : { ...words };
  return { status, payload, headers, invocationId };
}
