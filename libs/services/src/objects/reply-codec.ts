import type { InvocationReply, InvocationStatus } from '../invocation/invocation.js';

interface Head {
  readonly s: InvocationStatus;
  readonly h: Readonly<Record<string, string>>;
  readonly i: string;
  /** there is a payload, which may be empty */
  readonly p: boolean;
}

const LINE_FEED = 10;

/** A reply as bytes: one line of JSON, which has no line feed in it, then the payload as it is. */
export function encodeReply({ status, headers, invocationId, payload }: InvocationReply): Buffer {
  const head: Head = { s: status, h: headers, i: invocationId, p: payload !== undefined };
  const line = Buffer.from(`${JSON.stringify(head)}\n`);
  return payload === undefined ? line : Buffer.concat([line, payload]);
}

/** What {@link encodeReply} made. */
export function decodeReply(bytes: Buffer): InvocationReply {
  const end = bytes.indexOf(LINE_FEED);
  const head = JSON.parse(bytes.toString('utf8', 0, end)) as Head;
  return {
    status: head.s,
    headers: head.h,
    invocationId: head.i,
    payload: head.p ? bytes.subarray(end + 1) : undefined,
  };
}
