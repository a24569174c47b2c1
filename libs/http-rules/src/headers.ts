import type { FlatHeaders } from '@berth/exchange';
import { headerValue, removeHeader, setHeader, withoutHeader, withoutHeaders } from './flat-headers.js';
import { forbidsLength } from './methods.js';
import { keepConnection } from './upgrade.js';

/** What a head says about its message, gathered while it is copied for the next hop. */
export interface RelayedHead {
  /** end-to-end headers only */
  headers: FlatHeaders;
  /** undefined: no Content-Length */
  contentLength: number | undefined;
  chunked: boolean;
  /** values of `Host`; a request must have one at the most */
  hosts: number;
  host: string;
  /** `Expect` is there */
  expects: boolean;
  /** a `Trailer` header announces trailers */
  announcesTrailers: boolean;
}

/** A head whose framing cannot be trusted; the message says why. */
export class FramingError extends Error {
  override readonly name = 'FramingError';
}

const NO_TOKENS: ReadonlySet<string> = new Set();

/**
 * Copies a head for the next hop (RFC 9110 section 7.6.1): without the headers
 * that belong to this connection, and without those that `Connection` names.
 * Of `TE`, `trailers` stays, because trailers are passed on, and nothing else does.
 *
 * @param raw as received
 * @param keepUpgrade keeps `Upgrade`, and `Connection: Upgrade` in the place where `Connection` was: the next hop must
 *   see both to switch protocols
 * @throws FramingError for Content-Length that is malformed, contradictory, or beside Transfer-Encoding
 */
export function relayHead(raw: readonly string[], keepUpgrade: boolean): RelayedHead {
  const head: RelayedHead = {
    headers: [],
    contentLength: undefined,
    chunked: false,
    hosts: 0,
    host: '',
    expects: false,
    announcesTrailers: false,
  };
  const named = namedByConnection(raw);
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    // Nothing below concerns names of other lengths, and most names end here.
    if (INTERESTING_LENGTHS[name.length] === 1 && !keeps(head, name, value, keepUpgrade)) continue;
    if (named !== NO_TOKENS && named.has(name.toLowerCase())) continue;
    head.headers.push(name, value);
  }
  if (head.chunked && head.contentLength !== undefined) {
    throw new FramingError('Content-Length beside Transfer-Encoding');
  }
  if (keepUpgrade && headerValue(head.headers, 'connection') === undefined) head.headers.push('Connection', 'Upgrade');
  return head;
}

/**
 * The head of a response for the next hop, and no length where there must be none.
 *
 * @param isSwitch keeps `Upgrade` and `Connection: Upgrade`
 * @throws FramingError as {@link relayHead} does
 */
export function relayResponseHead(status: number, raw: readonly string[], isSwitch: boolean): RelayedHead {
  const head = relayHead(raw, isSwitch);
  if (forbidsLength(status)) head.headers = withoutHeader(head.headers, 'content-length');
  return head;
}

const INTERESTING = [
  'host',
  'te',
  'expect',
  'trailer',
  'upgrade',
  'connection',
  'keep-alive',
  'content-length',
  'http2-settings',
  'proxy-connection',
  'transfer-encoding',
];
const INTERESTING_LENGTHS = new Uint8Array(65_536);
for (const name of INTERESTING) INTERESTING_LENGTHS[name.length] = 1;

function keeps(head: RelayedHead, name: string, value: string, keepUpgrade: boolean): boolean {
  switch (name.toLowerCase()) {
    case 'connection':
      if (keepUpgrade) keepConnection(head.headers, name, value);
      return false;
    case 'keep-alive':
    case 'proxy-connection':
    case 'http2-settings':
      return false;
    case 'upgrade':
      return keepUpgrade;
    case 'te':
      if (value === 'trailers') return true;
      // Other codings would be the gateway's to undo.
      if (/(^|,)\s*trailers\s*(;|,|$)/i.test(value)) head.headers.push('TE', 'trailers');
      return false;
    case 'transfer-encoding':
      if (value.trim().toLowerCase() !== 'chunked') throw new FramingError('Transfer-Encoding other than chunked');
      head.chunked = true;
      return false;
    case 'content-length': {
      const length = /^\d{1,15}$/.test(value) ? Number(value) : undefined;
      if (length === undefined) throw new FramingError('malformed Content-Length');
      if (head.contentLength === undefined) {
        head.contentLength = length;
        return true;
      }
      if (head.contentLength !== length) throw new FramingError('contradictory Content-Length');
      return false;
    }
    case 'host':
      head.hosts += 1;
      head.host = value;
      return true;
    case 'expect':
      head.expects = true;
      return true;
    case 'trailer':
      head.announcesTrailers = true;
      return true;
    default:
      return true;
  }
}

/** Headers that keep their meaning whatever `Connection` says; naming them would break the message. */
const NEVER_BY_NAME: ReadonlySet<string> = new Set(['host', 'content-length', 'upgrade', 'te', 'trailer']);

function namedByConnection(raw: readonly string[]): ReadonlySet<string> {
  let named: Set<string> | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    const value = raw[i + 1] as string;
    // By far the most common values name no header.
    if (value === 'keep-alive' || value === 'close' || value === 'Upgrade' || value === 'upgrade') continue;
    named ??= new Set();
    for (const token of value.toLowerCase().split(',')) {
      const header = token.trim();
      if (header !== '' && !NEVER_BY_NAME.has(header)) named.add(header);
    }
  }
  return named ?? NO_TOKENS;
}

/** Headers that say where a message ends, or belong to one hop. */
export const FRAMING: readonly string[] = [
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Headers about the bytes of a body as they were. */
const OF_BYTES = ['content-length', 'content-md5', 'digest', 'repr-digest', 'content-digest', 'accept-ranges'];

/** Takes out of a head what is true of other bytes than those that it goes with now. Changes the list. */
export function forgetBytes(headers: FlatHeaders): void {
  for (const name of OF_BYTES) removeHeader(headers, name);
  // Equal in meaning, no longer byte by byte (RFC 9110 section 8.8.3).
  const tag = headerValue(headers, 'etag');
  if (tag?.startsWith('"') === true) setHeader(headers, 'ETag', `W/${tag}`);
}

/** Trailers that a sender may pass on: nothing that frames, routes or authenticates (RFC 9110 section 6.5.1). */
export function relayTrailers(raw: readonly string[]): FlatHeaders {
  return withoutHeaders(raw, (name) => FORBIDDEN_TRAILERS.has(name.toLowerCase()));
}

const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  ...INTERESTING,
  'authorization',
  'proxy-authorization',
  'set-cookie',
  'cookie',
  'content-type',
  'content-encoding',
  'content-range',
  'cache-control',
  'max-forwards',
]);

/**
 * undici's raw header fields as Latin-1 strings, which {@link relayHead} takes. They are views into what the
 * socket read, mostly into one buffer: one conversion then serves them all.
 */
export function latin1Headers(raw: readonly Buffer[]): FlatHeaders {
  const first = raw[0];
  const last = raw[raw.length - 1];
  if (first === undefined || last === undefined) return [];
  const start = first.byteOffset;
  const end = last.byteOffset + last.length;
  const backing = first.buffer;
  const headers: FlatHeaders = [];
  // More than a head's worth between them: they only happen to share a pool.
  if (backing !== last.buffer || end <= start || end - start > 65_536) return separately(raw);
  const text = Buffer.from(backing, start, end - start).toString('latin1');
  for (const field of raw) {
    const at = field.byteOffset - start;
    if (field.buffer !== backing || at < 0 || at + field.length > text.length) return separately(raw);
    headers.push(text.substring(at, at + field.length));
  }
  return headers;
}

/** undici has read the reason phrase as UTF-8; one character per byte is what the tunnel takes. */
export function reasonBytes(reason: string): string {
  return /^[\x20-\x7e]*$/.test(reason) ? reason : Buffer.from(reason, 'utf8').toString('latin1');
}

function separately(raw: readonly Buffer[]): FlatHeaders {
  return raw.map((field) => field.toString('latin1'));
}
