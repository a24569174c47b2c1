import { createHash } from 'node:crypto';
import { type InvocationReply, InvocationStatus } from '../../src/invocation/invocation.js';
import type { ObjectKey, RememberedReply } from '../../src/objects/object-store.js';

export function keyOf(objectId: string, part: Partial<ObjectKey> = {}): ObjectKey {
  return { service: 'shop.Cart', partition: 0, objectId, ...part };
}

export function replyOf(id: string, part: Partial<InvocationReply> = {}): InvocationReply {
  return { status: InvocationStatus.OKAY, payload: Buffer.from(id), headers: {}, invocationId: id, ...part };
}

export function remember(idempotencyKey: string, ttlMs = 60_000, reply = replyOf(idempotencyKey)): RememberedReply {
  return { idempotencyKey, reply, ttlMs };
}

/** A reply whose bytes are told by their checksum. */
export function comparable(reply: InvocationReply | undefined): unknown {
  if (reply === undefined) return undefined;
  const { payload, ...rest } = reply;
  return { ...rest, payload: payload === undefined ? undefined : createHash('sha256').update(payload).digest('hex') };
}
