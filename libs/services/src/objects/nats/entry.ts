import type { InvocationReply } from '../../invocation/invocation.js';
import { decodeReply, encodeReply } from '../../wire/replies.js';

/** A reply that is remembered with its object. */
export interface KeptReply {
  readonly key: string;
  /** ms since 1970 by the system's clock, the only one that processes on several hosts share */
  readonly until: number;
  /** {@link encodeReply} */
  readonly bytes: Uint8Array;
}

/** All that is kept of an object, one value of the bucket. */
export interface Entry {
  /** 0: there is none, or none any more */
  readonly version: number;
  /** the highest version that there ever was */
  readonly last: number;
  readonly state: string | undefined;
  /** of the write that made it */
  readonly token: string;
  /** the oldest first */
  readonly replies: readonly KeptReply[];
}

export const NO_ENTRY: Entry = { version: 0, last: 0, state: undefined, token: '', replies: [] };

interface Head {
  readonly v: number;
  readonly l: number;
  readonly t: string;
  /** bytes of the state; absent: there is none */
  readonly n?: number;
  readonly r: readonly (readonly [key: string, until: number, bytes: number])[];
}

const LINE_FEED = 10;

/** One line of JSON, then the state, then the replies as they are. */
export function encodeEntry({ version, last, state, token, replies }: Entry): Buffer {
  const text = state === undefined ? undefined : Buffer.from(state);
  const head: Head = {
    ...{ v: version, l: last, t: token, ...(text !== undefined && { n: text.length }) },
    r: replies.map(({ key, until, bytes }) => [key, until, bytes.length]),
  };
  return Buffer.concat(
    [Buffer.from(`${JSON.stringify(head)}\n`), text ?? '', ...replies.map(({ bytes }) => bytes)].map(bytesOf),
  );
}

function bytesOf(part: Uint8Array | string): Uint8Array {
  return typeof part === 'string' ? Buffer.from(part) : part;
}

/** What {@link encodeEntry} made. @throws what JSON throws, if somebody else wrote it */
export function decodeEntry(value: Uint8Array): Entry {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  const end = bytes.indexOf(LINE_FEED);
  const { v: version, l: last, t: token, n, r } = JSON.parse(bytes.toString('utf8', 0, end)) as Head;
  const stateEnd = end + 1 + (n ?? 0);
  const state = n === undefined ? undefined : bytes.toString('utf8', end + 1, stateEnd);
  // A copy: views would keep all that the connection has read at once.
  const own = new Uint8Array(bytes.subarray(stateEnd));
  let at = 0;
  const replies = r.map(([key, until, length]) => {
    at += length;
    return { key, until, bytes: own.subarray(at - length, at) };
  });
  return { version, last, state, token, replies };
}

export function keptReply(key: string, reply: InvocationReply, ttlMs: number): KeptReply {
  return { key, until: Date.now() + ttlMs, bytes: encodeReply(reply) };
}

/** The reply with a key, with bytes of its own, if its time is not over. */
export function replyIn(replies: readonly KeptReply[], key: string): InvocationReply | undefined {
  const found = keptIn(replies, key);
  return found === undefined ? undefined : decodeReply(Buffer.from(found.bytes));
}

/** What is kept with a key, if its time is not over. */
export function keptIn(replies: readonly KeptReply[], key: string): KeptReply | undefined {
  return replies.findLast((reply) => reply.key === key && reply.until > Date.now());
}
