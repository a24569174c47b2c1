import { isUtf8 } from 'node:buffer';
import { BerthError } from '@berth/errors';
import type { FlatHeaders, OpenHead, ResponseHead } from '@berth/exchange';
import { metadataValue, type ProxyMessage } from './proxy-message.js';

/** A request as metadata of a REQUEST. */
export interface SiloRequest {
  metadata: string[];
  /** undefined: no Content-Length */
  contentLength: number | undefined;
  /** the client waits for a 100 before it sends its body */
  expectsContinue: boolean;
}

/** An answer as metadata of a RESPONSE. */
export interface SiloResponse {
  metadata: string[];
  /** values of Set-Cookie that did not fit */
  lostCookies: number;
}

const HEADER = 'header_';

/** Of the framing, which is made anew at the other end. */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** And what asks a service for more than a whole answer to a whole request. */
const NOT_ASKED: ReadonlySet<string> = new Set([...FRAMING, 'expect', 'trailer']);

/** Of one hop, of the framing, or nothing that this wire can keep: never an entry. */
const NOT_CARRIED: ReadonlySet<string> = new Set([
  ...FRAMING,
  'connection',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
]);

const ASCII = /^[\0-\x7f]*$/;

/**
 * Text of HTTP, a character per byte, for a field that must be UTF-8. Bytes that
 * are none are taken for Latin-1.
 */
function toSiloText(latin1: string): string {
  if (ASCII.test(latin1)) return latin1;
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : latin1;
}

/** The bytes of a UTF-8 field, a character each. */
function fromSiloText(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/**
 * A request for an agent of the original kind.
 *
 * @throws BerthError `BERTH_UNSUPPORTED_EXCHANGE` for a target without a path: the agent puts its target after its
 *   service's address as text, so that anything but `/` in front would lead to another host
 */
export function siloRequest({ method, target, headers }: OpenHead): SiloRequest {
  const [path, query] = splitTarget(target);
  const request: SiloRequest = {
    metadata: ['method', method, 'path', path, 'query', query],
    contentLength: undefined,
    expectsContinue: false,
  };
  const merged = new Map<string, [name: string, value: string]>();
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    const lower = name.toLowerCase();
    if (lower === 'content-length') request.contentLength = Number(value);
    else if (lower === 'expect') request.expectsContinue = value.toLowerCase() === '100-continue';
    if (NOT_CARRIED.has(lower)) continue;
    const before = merged.get(lower);
    if (before === undefined) merged.set(lower, [name, value]);
    // RFC 9110 section 5.3; cookies have a separator of their own (RFC 6265 section 5.4).
    else before[1] += `${lower === 'cookie' ? ';' : ','} ${value}`;
  }
  // The agent takes Content-Type from here, so it must be the whole value.
  request.metadata.push('content_type', toSiloText(merged.get('content-type')?.[1] ?? ''));
  for (const [name, value] of merged.values()) request.metadata.push(HEADER + name, toSiloText(value));
  return request;
}

/**
 * What an agent of the original kind answered; a text when it is no answer.
 *
 * @param method of the request: an answer to HEAD keeps the length that it has without a body
 */
export function readSiloResponse(
  { metadata, metadataCut, payload }: ProxyMessage,
  method: string,
): ResponseHead | string {
  if (metadataCut) return 'its headers are larger than a head may be';
  const text = metadataValue(metadata, 'status_code') ?? '';
  const status = /^\d{3}$/.test(text) ? Number(text) : 0;
  if (status < 200) return 'its status_code is not one of a final answer';
  const headers = readHeaders(metadata, FRAMING);
  const given = metadataValue(metadata, `${HEADER}Content-Length`) ?? '';
  const length = method === 'HEAD' ? given : String(payload.length);
  if (/^\d{1,15}$/.test(length) && status !== 204 && status !== 304) headers.push('Content-Length', length);
  return { status, reason: '', headers };
}

/** The head of an answer for a server of the original kind. */
export function siloResponse({ status, headers }: ResponseHead): SiloResponse {
  const merged = new Map<string, [name: string, value: string]>();
  let lostCookies = 0;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    const lower = name.toLowerCase();
    if (NOT_CARRIED.has(lower)) continue;
    const before = merged.get(lower);
    if (before === undefined) merged.set(lower, [name, value]);
    // Its values hold commas of their own: joined, they would be one broken cookie (RFC 6265 section 3).
    else if (lower === 'set-cookie') lostCookies += 1;
    else before[1] += `, ${value}`;
  }
  const metadata = ['status_code', String(status)];
  for (const [name, value] of merged.values()) metadata.push(HEADER + name, toSiloText(value));
  return { metadata, lostCookies };
}

/** A request from a server of the original kind; a text when it is none. */
export function readSiloRequest({ metadata, metadataCut, payload }: ProxyMessage): OpenHead | string {
  if (metadataCut) return 'the headers of the request are larger than a head may be';
  const method = metadataValue(metadata, 'method') ?? '';
  const path = metadataValue(metadata, 'path') ?? '';
  const query = metadataValue(metadata, 'query') ?? '';
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(method) || !path.startsWith('/')) return 'the request has no method or no path';
  const headers = readHeaders(metadata, NOT_ASKED);
  const hasType = headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-type');
  // The original server leaves parameters out of it, a multipart boundary too: the header says more.
  const contentType = metadataValue(metadata, 'content_type') ?? '';
  if (!hasType && contentType !== '') headers.push('Content-Type', fromSiloText(contentType));
  const target = escaped(path, /[^!$%&'()*+,./\w:;=@~-]/gu) + (query === '' ? '' : `?${escaped(query, /[^!-~]|#/gu)}`);
  return { kind: 0, method, target, headers, body: payload.length > 0 };
}

/** `Connection` and what it names are left to whoever passes them on. */
function readHeaders(metadata: readonly string[], without: ReadonlySet<string>): FlatHeaders {
  const headers: FlatHeaders = [];
  for (let i = 0; i < metadata.length; i += 2) {
    const key = metadata[i] as string;
    if (!key.startsWith(HEADER)) continue;
    const name = key.slice(HEADER.length);
    if (!without.has(name.toLowerCase())) headers.push(fromSiloText(name), fromSiloText(metadata[i + 1] as string));
  }
  return headers;
}

function splitTarget(target: string): [path: string, query: string] {
  // An absolute target: its authority is in Host by now (RFC 9112 section 3.2.2).
  const from = /^https?:\/\/[^/?#]*/i.exec(target)?.[0].length ?? 0;
  const mark = target.indexOf('?', from);
  const path = target.slice(from, mark < 0 ? undefined : mark);
  const query = mark < 0 ? '' : target.slice(mark + 1);
  if (path.startsWith('/')) return [path, query];
  if (path === '' && from > 0) return ['/', query];
  throw new BerthError('BERTH_UNSUPPORTED_EXCHANGE', 'a target without a path cannot be sent to this agent');
}

/** The original server decodes paths: what a target cannot hold is escaped again; what is an escape already stays. */
function escaped(text: string, unfit: RegExp): string {
  const percent = text.replace(/%(?![\da-f]{2})/gi, '%25');
  return percent.replace(unfit, (character) => encodeURIComponent(character.toWellFormed()));
}
