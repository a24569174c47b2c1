import { type StatusObject, status as Status } from '@grpc/grpc-js';
import { BerthError } from '@berth/errors';
import { cut, printable } from '@berth/observability';
import type { AgentCapabilities } from '../../capabilities.js';
import { decodeToProxy } from '../../wire/proto/to-proxy.js';

/** What grpc-js writes around the reason for which it has no connection. */
const AROUND = /^No connection established\. Last error: (?:Error: )?|\.? *Resolution note: *$/g;

/** The agent does not have that method under that name. */
export class NotImplemented extends BerthError {
  constructor(path: string) {
    super('BERTH_POLICY_UNAVAILABLE', `it has none of the methods of the protocol (${path})`);
  }
}

/** What the end of a call means; undefined: it ended in order. */
export function callError(
  { code, details }: Pick<StatusObject, 'code' | 'details'>,
  path: string,
): BerthError | undefined {
  if (code === Status.OK) return undefined;
  if (code === Status.UNIMPLEMENTED) return new NotImplemented(path);
  const reason = printable(cut(details.replaceAll(AROUND, ''), 200));
  // grpc-js says so of messages that are larger than they may be, in either direction.
  const isTooLarge = code === Status.RESOURCE_EXHAUSTED && details.includes('larger than max');
  return new BerthError(isTooLarge ? 'BERTH_PROTOCOL_ERROR' : 'BERTH_CONNECTION_CLOSED', `${Status[code]}: ${reason}`);
}

/** @throws BerthError when it is no handshake, or a refusal */
export function capabilitiesFrom(bytes: Buffer): AgentCapabilities {
  const reply = decodeToProxy(bytes);
  if (reply?.kind !== 'handshake') {
    throw new BerthError(
      'BERTH_PROTOCOL_ERROR',
      `its first message has to be a handshake, and is ${reply?.kind ?? 'unknown'}`,
    );
  }
  if (reply.outcome instanceof BerthError) throw reply.outcome;
  return reply.outcome;
}

/** A message behind the handshake. @throws BerthError `BERTH_PROTOCOL_ERROR` when it is one more of them */
export function noHandshake<T extends { readonly kind: string }>(
  message: T | undefined,
): Exclude<T, { kind: 'handshake' }> | undefined {
  if (message?.kind === 'handshake') throw new BerthError('BERTH_PROTOCOL_ERROR', 'a second handshake');
  return message as Exclude<T, { kind: 'handshake' }> | undefined;
}

/** Messages are encoded here: gRPC gets and gives plain buffers. */
export const same = (bytes: Buffer): Buffer => bytes;
