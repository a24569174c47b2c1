const LINE_FEED = 10;

/** Most that a message may have beside its payload (id, key, options, headers), bytes. */
export const MAX_HEAD_BYTES = 64 * 1024;

/** `[kind, …]`: what is in a message beside its payload. */
export type Head = readonly [kind: string, ...rest: unknown[]];

/** One line of JSON, in which there is no line feed, then the payload as it is. */
export function encode(head: Head, payload?: Uint8Array): Buffer {
  const line = JSON.stringify(head);
  if (payload === undefined) return Buffer.from(line);
  const length = Buffer.byteLength(line);
  const bytes = Buffer.allocUnsafe(length + 1 + payload.length);
  bytes.write(line, 0, length);
  bytes[length] = LINE_FEED;
  bytes.set(payload, length + 1);
  return bytes;
}

/**
 * What {@link encode} made, with a payload of its own.
 *
 * @returns undefined: it is no such message
 */
export function decode(message: Uint8Array): { readonly head: Head; readonly payload: Buffer | undefined } | undefined {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  const end = bytes.indexOf(LINE_FEED);
  try {
    const head: unknown = JSON.parse(bytes.toString('utf8', 0, end < 0 ? bytes.length : end));
    if (!Array.isArray(head) || typeof head[0] !== 'string') return undefined;
    return { head: head as unknown as Head, payload: end < 0 ? undefined : Buffer.from(bytes.subarray(end + 1)) };
  } catch {
    return undefined;
  }
}
