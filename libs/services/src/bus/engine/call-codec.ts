import { isErrorCode } from '@berth/errors';
import { ServicesError } from '../../errors.js';
import type { Delivery, Invocation, InvocationReply } from '../../invocation/invocation.js';
import { MAX_CHAIN_LENGTH } from '../../invocation/call-chain.js';
import { errorReply } from '../../invocation/replies.js';
import { decodeReply, encodeReply as encodeResponse } from '../../wire/replies.js';
import { encode, type Head, MAX_HEAD_BYTES } from './message.js';

/** A call of another process. */
export interface RemoteCall {
  readonly from: string;
  readonly number: number;
  readonly attempt: number;
  readonly delivery: Delivery;
  /** by the caller's steady clock */
  readonly sentAt: number;
  readonly left: number;
  /** the number of the call of its object that was sent before it, while that has not been answered; else 0 */
  readonly behind: number;
  readonly invocation: Invocation;
}

/** What is in a message key, {@link invocationKey}. */
type Place = Pick<Invocation, 'service' | 'partition' | 'objectId' | 'method'>;

/** Keys come again and again; this many are remembered, and then none. */
const PLACES = 1000;
const KEY = /^oprc\/([^/]+)\/(\d{1,10})\/(?:objects\/([^/]+)\/)?invokes\/(.+)$/s;

const places = new Map<string, Place>();

const NO_PAYLOAD = new Uint8Array(0);

/** A call as it is sent. @param left ms until its deadline */
export function encodeCall(
  from: string,
  call: Omit<RemoteCall, 'from' | 'sentAt' | 'left'> & { readonly key: string },
  left: number,
): Buffer {
  const { number, attempt, behind, delivery, invocation, key } = call;
  const { id, options, idempotencyKey, chain, payload, isRetry } = invocation;
  // JSON has no Infinity.
  const most = Math.min(left, Number.MAX_SAFE_INTEGER);
  const once = delivery === 'at-least-once' ? 1 : 0;
  const words = isEmpty(options) ? 0 : options;
  const head: [string, ...unknown[]] = ['c', from, number, attempt, once, key, performance.now(), most, id, words];
  if (behind > 0) head.push(idempotencyKey ?? 0, chain ?? 0, isRetry === true ? 1 : 0, behind);
  else if (isRetry === true) head.push(idempotencyKey ?? 0, 0, 1);
  else if (chain !== undefined) head.push(idempotencyKey ?? 0, chain);
  else if (idempotencyKey !== undefined) head.push(idempotencyKey);
  return payload.length === 0 ? encode(head) : encode(head, payload);
}

/** What {@link encodeCall} made. @returns undefined: it is no call */
export function callOf(head: Head, payload: Uint8Array = NO_PAYLOAD): RemoteCall | undefined {
  const [, from, number, attempt, once, key, sentAt, left, id, options, idempotencyKey, chain, retry, behind] = head;
  const place = typeof key === 'string' ? placeOf(key) : undefined;
  if (place === undefined || typeof from !== 'string' || typeof id !== 'string') return undefined;
  if (![number, attempt, sentAt, left].every((value) => typeof value === 'number')) return undefined;
  const words = options === 0 ? {} : (options as Record<string, string> | null);
  if (typeof words !== 'object' || words === null) return undefined;
  return {
    ...{ from, number: number as number, attempt: attempt as number, sentAt: sentAt as number, left: left as number },
    behind: typeof behind === 'number' ? behind : 0,
    delivery: once === 1 ? 'at-least-once' : 'at-most-once',
    invocation: {
      id,
      ...place,
      payload,
      options: Object.freeze(words),
      idempotencyKey: typeof idempotencyKey === 'string' ? idempotencyKey : undefined,
      chain: typeof chain === 'string' && chain.length <= MAX_CHAIN_LENGTH ? chain : undefined,
      isRetry: retry === 1 ? true : undefined,
    },
  };
}

/** The way back from {@link invocationKey}. @returns undefined: it is no key */
export function placeOf(key: string): Place | undefined {
  const known = places.get(key);
  if (known !== undefined) return known;
  const [, service, partition, objectId, method] = KEY.exec(key) ?? [];
  if (service === undefined || method === undefined) return undefined;
  // Copies: a part of a string would keep the whole of it.
  const own = (text: string): string => Buffer.from(text).toString();
  const place: Place = {
    service: own(service),
    partition: Number(partition),
    objectId: objectId === undefined ? undefined : own(objectId),
    method: own(method),
  };
  if (places.size >= PLACES) places.clear();
  places.set(key, place);
  return place;
}

/** A reply as it is sent, an `oprc.InvocationResponse` behind the call's number; {@link replyOf} reads it. */
export function encodeReply(reply: InvocationReply, number: number): Buffer {
  const response = encodeResponse(reply);
  const bytes = encode(['r', number], response);
  const headBytes = bytes.length - (reply.payload?.length ?? 0);
  if (headBytes <= MAX_HEAD_BYTES) return bytes;
  const message = `the headers of the reply have ${headBytes} bytes; at most ${MAX_HEAD_BYTES}`;
  return encodeReply(errorReply(reply.invocationId, new ServicesError('BERTH_SERVICE_BAD_RESULT', message)), number);
}

/** @returns undefined: it is no reply */
export function replyOf(response: Buffer | undefined): InvocationReply | undefined {
  try {
    return response && decodeReply(response);
  } catch {
    return undefined;
  }
}

function isEmpty(record: Readonly<Record<string, string>>): boolean {
  for (const key in record) if (Object.hasOwn(record, key)) return false;
  return true;
}

/** Why a call was refused, as its caller reads it. */
export function errorOf([, , code, message, details]: Head): ServicesError {
  const known = typeof code === 'string' && isErrorCode(code) ? code : 'BERTH_INTERNAL';
  const words = typeof details === 'object' && details !== null ? (details as Record<string, unknown>) : {};
  return new ServicesError(known, String(message), words);
}
