import type { FlatHeaders, OpenHead, ResponseHead } from '@berth/exchange';
import { forgetBytes, headerValue, headerValues, setHeader } from '@berth/http-rules';
import Negotiator from 'negotiator';
import type { Policy } from '../policy-schema.js';
import type { Encoding } from './compressors.js';

/** In this order where a client likes them alike. */
const ENCODINGS: readonly string[] = ['br', 'gzip', 'identity'];

/** Types whose messages are to arrive at once. */
const STREAMS = /^(?:text\/event-stream|application\/(?:grpc|x-ndjson|jsonl|stream\+json)|multipart\/x-mixed-replace)/i;

/** Whether an answer gains by it and may be changed: what it is must be known, whole and not encoded already. */
export function isMadeShorter({ headers, status }: ResponseHead, { minBytes, types }: Policy['compression']): boolean {
  if (status < 200 || status === 204 || status === 205 || status === 206 || status === 304) return false;
  if (headerValue(headers, 'content-encoding') !== undefined) return false;
  if (headerValue(headers, 'content-range') !== undefined) return false;
  if (headerValues(headers, 'cache-control').some((value) => /\bno-transform\b/i.test(value))) return false;
  const length = headerValue(headers, 'content-length');
  if (length !== undefined && !(Number(length) >= Math.max(1, minBytes))) return false;
  const type = (headerValue(headers, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (STREAMS.test(type)) return false;
  return types.some((one) => {
    const known = one.toLowerCase();
    return known.endsWith('/*') ? type.startsWith(known.slice(0, -1)) : type === known;
  });
}

/** What the client likes best; undefined: the answer as it is. */
export function encodingFor({ headers }: OpenHead): Encoding | undefined {
  const accepted = headerValues(headers, 'accept-encoding').join();
  if (accepted === '') return undefined;
  const negotiator = new Negotiator({ headers: { 'accept-encoding': accepted } });
  const [best] = negotiator.encodings([...ENCODINGS], { preferred: [...ENCODINGS] });
  return best === 'br' || best === 'gzip' ? best : undefined;
}

/** @param encoding undefined: for this client it stays as it is, for others it does not */
export function compressedHead(head: ResponseHead, encoding: Encoding | undefined): ResponseHead {
  const headers = [...head.headers];
  addVary(headers);
  if (encoding !== undefined) {
    forgetBytes(headers);
    headers.push('Content-Encoding', encoding);
  }
  return { ...head, headers };
}

/**
 * The head of an answer that stays as it is. A 304 is about the answer that the client has: where that was compressed
 * here, a strong tag would not be its own (RFC 9111 section 4.3.4).
 */
export function unchangedHead(head: ResponseHead, { headers: asked }: OpenHead): ResponseHead {
  if (head.status !== 304) return head;
  const tag = headerValue(head.headers, 'etag');
  if (tag?.startsWith('"') !== true || !headerValues(asked, 'if-none-match').join().includes(`W/${tag}`)) return head;
  const headers = [...head.headers];
  setHeader(headers, 'ETag', `W/${tag}`);
  addVary(headers);
  return { ...head, headers };
}

function addVary(headers: FlatHeaders): void {
  const vary = headerValues(headers, 'vary').join(', ');
  if (vary === '') setHeader(headers, 'Vary', 'Accept-Encoding');
  else if (!/(^|,)\s*(\*|accept-encoding)\s*(,|$)/i.test(vary)) setHeader(headers, 'Vary', `${vary}, Accept-Encoding`);
}
