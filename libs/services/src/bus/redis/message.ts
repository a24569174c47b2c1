import { isUtf8 } from 'node:buffer';
import { checkObjectId } from '../../objects/object-id.js';
import type { Delivery, Invocation, InvocationReply, InvocationStatus } from '../../invocation/invocation.js';
import { invocationKey } from '../../invocation/keys.js';

/** Up to this size what is valid UTF-8 travels as a string: the client writes strings together, bytes one by one. */
const AS_TEXT_UP_TO = 4096;
const LF = 10;

/** Most that a message may have beside its payload (id, key, options, headers), bytes. */
export const MAX_HEAD_BYTES = 64 * 1024;

/** Where an invocation goes. */
export interface Lane {
  /** `oprc/{pkg}.{cls}/{partition}` */
  readonly scope: string;
  /** `o` and the object, or `m` and the stateless method */
  readonly target: string;
}

export function scopeOf(service: string, partition: number): string {
  return `oprc/${service}/${partition}`;
}

export function laneOf({ service, partition, method, objectId }: Invocation): Lane {
  return { scope: scopeOf(service, partition), target: objectId === undefined ? `m${method}` : `o${objectId}` };
}

/**
 * Whether an invocation can be told from others by its key. `undefined`: it can.
 *
 * Nobody can serve a service with a '/' in its name; a line break would end the key.
 */
export function checkTarget({ service, method, objectId }: Invocation): 'no-agent' | { objectId: string } | undefined {
  const problem = objectId === undefined ? undefined : checkObjectId(objectId);
  if (problem !== undefined) return { objectId: problem };
  return service.includes('/') || service.includes('\n') || method.includes('\n') ? 'no-agent' : undefined;
}

/** The part of a record that its caller writes; the script puts deadline, attempt, caller and number before it. */
export function encodeBody(invocation: Invocation, delivery: Delivery, maxDeliveries: number): string | Buffer {
  const { id, options, idempotencyKey, payload } = invocation;
  let rest = JSON.stringify(id);
  if (idempotencyKey !== undefined) rest = JSON.stringify([id, options, idempotencyKey]);
  else if (!isEmpty(options)) rest = JSON.stringify([id, options]);
  const most = delivery === 'at-least-once' ? `1,${maxDeliveries}` : '0,1';
  return withBytes(`${most},${invocationKey(invocation)}\n${rest}\n`, payload);
}

/** What a worker was given. */
export interface Received {
  readonly attempt: number;
  readonly caller: string;
  readonly callNumber: string;
  readonly delivery: Delivery;
  /** its key and what is in it; shared by all that have the same */
  readonly place: Place;
  /** ms since 1970 by our clock */
  readonly deadline: number;
  /** with that deadline */
  readonly invocation: Invocation;
}

type Rest = string | readonly [id: string, options: Record<string, string>, idempotencyKey?: string];

/** @param clockOffsetMs the broker's clock, by which the record's deadline is, is ahead of ours */
export function decodeRecord(record: Buffer, clockOffsetMs: number): Received {
  const endOfKey = record.indexOf(LF);
  const endOfRest = record.indexOf(LF, endOfKey + 1);
  const text = record.toString('utf8', 0, endOfRest);
  const c0 = text.indexOf(',');
  const c1 = text.indexOf(',', c0 + 1);
  const c2 = text.indexOf(',', c1 + 1);
  const c3 = text.indexOf(',', c2 + 1);
  const c4 = text.indexOf(',', c3 + 1);
  const c5 = text.indexOf(',', c4 + 1);
  const keyEnd = text.indexOf('\n', c5);
  const place = placeOf(text.slice(c5 + 1, keyEnd));
  const rest = JSON.parse(text.slice(keyEnd + 1)) as Rest;
  const deadline = Number(text.slice(0, c0)) - clockOffsetMs;
  const plain = typeof rest === 'string';
  return {
    attempt: Number(text.slice(c0 + 1, c1)),
    caller: text.slice(c1 + 1, c2),
    callNumber: text.slice(c2 + 1, c3),
    delivery: text[c3 + 1] === '1' ? 'at-least-once' : 'at-most-once',
    place,
    deadline,
    invocation: {
      id: plain ? rest : rest[0],
      service: place.service,
      method: place.method,
      partition: place.partition,
      objectId: place.objectId,
      payload: record.subarray(endOfRest + 1),
      options: plain ? {} : rest[1],
      deadline,
      idempotencyKey: plain ? undefined : rest[2],
    },
  };
}

/** What is in a message key, {@link invocationKey}. */
export interface Place extends Lane {
  readonly key: string;
  readonly service: string;
  readonly partition: number;
  readonly objectId: string | undefined;
  readonly method: string;
}

/** Keys come again and again; this many are remembered, and then none. */
const PLACES = 1000;
const places = new Map<string, Place>();

function placeOf(key: string): Place {
  let place = places.get(key);
  if (place === undefined) {
    // A copy: a part of a string would keep the whole of it.
    place = parseKey(Buffer.from(key).toString());
    if (places.size >= PLACES) places.clear();
    places.set(place.key, place);
  }
  return place;
}

/** The way back from {@link invocationKey}; services and objects have no '/' in them. */
function parseKey(key: string): Place {
  const afterService = key.indexOf('/', 5);
  const afterPartition = key.indexOf('/', afterService + 1);
  const scope = key.slice(0, afterPartition);
  const service = key.slice(5, afterService);
  const partition = Number(key.slice(afterService + 1, afterPartition));
  if (key.startsWith('invokes/', afterPartition + 1)) {
    const method = key.slice(afterPartition + 9);
    return { key, scope, target: `m${method}`, service, partition, objectId: undefined, method };
  }
  const afterObject = key.indexOf('/', afterPartition + 9);
  const objectId = key.slice(afterPartition + 9, afterObject);
  const method = key.slice(afterObject + 9);
  return { key, scope, target: `o${objectId}`, service, partition, objectId, method };
}

/** As it travels: `R`, status, `p` with a payload, JSON where there is more to say, LF, payload. */
export function encodeReply(reply: InvocationReply, invocationId: string): string | Buffer {
  const { status, payload, headers } = reply;
  let rest = '';
  if (reply.invocationId !== invocationId) rest = JSON.stringify([headers, reply.invocationId]);
  else if (!isEmpty(headers)) rest = JSON.stringify([headers]);
  if (payload === undefined) return `R${status}-${rest}\n`;
  return withBytes(`R${status}p${rest}\n`, payload);
}

/**
 * What the script says itself: `T` expired, `N` nobody serves it, `B` a queue is full, `L` its worker was lost, `A` it
 * seems to have been on its way for too long, and may be sent again.
 */
export type Answer = { readonly reply: InvocationReply } | { readonly refused: Refusal; readonly attempts: number };
type Refusal = 'T' | 'N' | 'B' | 'L' | 'A';

export function decodeAnswer(bytes: Buffer, invocationId: string): Answer {
  const kind = String.fromCharCode(bytes[0] ?? 0);
  if (kind !== 'R') {
    const attempts = Number(bytes.toString('latin1', 1));
    return { refused: kind as Refusal, attempts };
  }
  const status = ((bytes[1] ?? 0) - 48) as InvocationStatus;
  const end = bytes.indexOf(LF);
  const [headers, id] =
    end === 3 ? [{}] : (JSON.parse(bytes.toString('utf8', 3, end)) as [headers: Record<string, string>, id?: string]);
  const payload = bytes[2] === 112 ? bytes.subarray(end + 1) : undefined;
  return { reply: { status, payload, headers, invocationId: id ?? invocationId } };
}

function withBytes(head: string, payload: Uint8Array): string | Buffer {
  const { length } = payload;
  if (length === 0) return head;
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, length);
  if (length <= AS_TEXT_UP_TO && isUtf8(bytes)) return head + bytes.toString();
  const headLength = Buffer.byteLength(head);
  const whole = Buffer.allocUnsafe(headLength + length);
  whole.write(head);
  bytes.copy(whole, headLength);
  return whole;
}

function isEmpty(record: Readonly<Record<string, string>>): boolean {
  for (const key in record) if (Object.hasOwn(record, key)) return false;
  return true;
}
