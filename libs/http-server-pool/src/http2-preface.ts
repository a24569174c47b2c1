import type { Verdict } from './first-bytes.js';

/** What a client of HTTP/2 with prior knowledge says first (RFC 9113 section 3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/**
 * Judges the first bytes of a connection in clear text: HTTP/2 looks like no HTTP/1.1, and Node's parser must not get it.
 *
 * @param http2 takes the connection if they are the preface
 * @param http1 takes it if they are not
 */
export function judgePreface(bytes: Buffer, http2: () => void, http1: () => void): Verdict | number {
  const length = Math.min(bytes.length, PREFACE.length);
  const isPreface = bytes.subarray(0, length).equals(PREFACE.subarray(0, length));
  if (isPreface && length < PREFACE.length) return length + 1;
  return { taken: 0, next: isPreface ? http2 : http1 };
}
