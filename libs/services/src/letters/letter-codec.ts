import { decode, encode } from '../bus/engine/message.js';
import { invocationKey } from '../invocation/invocation.js';
import type { DeadLetter } from './dead-letter.js';

/** A letter as a store keeps it. */
export function encodeLetter({ id: _id, key: _key, invocation, ...rest }: DeadLetter): Buffer {
  const { payload, ...head } = invocation;
  return encode(['letter', head, rest], payload);
}

/** What {@link encodeLetter} made, with a payload of its own. @returns undefined: somebody else wrote it */
export function decodeLetter(bytes: Uint8Array): DeadLetter | undefined {
  const { head = [], payload } = decode(bytes) ?? {};
  const [kind, call, rest] = head as readonly [string?, DeadLetter['invocation']?, DeadLetter?];
  if (kind !== 'letter' || call === undefined || rest === undefined || payload === undefined) return undefined;
  const invocation = { ...call, payload };
  return { ...rest, id: call.id, key: invocationKey(invocation), invocation };
}
