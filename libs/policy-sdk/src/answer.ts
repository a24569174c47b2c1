import { BerthError } from '@berth/errors';
import type { AuditData, Decision, FrameDecision, HeaderOp } from '@berth/policy-agents';

/** Headers by name; a list adds one header for each value. */
export type HeaderValues = Readonly<Record<string, string | readonly string[]>>;

/** What an answer changes besides its decision. */
export interface Changes {
  /** take the place of what the request has of that name */
  readonly setRequestHeaders?: HeaderValues;
  readonly addRequestHeaders?: HeaderValues;
  readonly removeRequestHeaders?: readonly string[];
  readonly setResponseHeaders?: HeaderValues;
  readonly addResponseHeaders?: HeaderValues;
  readonly removeResponseHeaders?: readonly string[];
  /** for the logs of the gateway and its figures */
  readonly audit?: Partial<AuditData>;
}

/** What a handler returns; made by {@link allow}, {@link block}, {@link redirect}, {@link challenge}, {@link needMore}, {@link replace}, {@link drop} and {@link closeSocket}. */
export interface Answer {
  readonly decision: Decision;
  readonly requestHeaders: readonly HeaderOp[];
  readonly responseHeaders: readonly HeaderOp[];
  readonly audit?: AuditData | undefined;
  readonly needsMore: boolean;
  /** what comes in the place of the chunk; empty: nothing */
  readonly body?: Buffer | undefined;
  readonly frame?: FrameDecision | undefined;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

function wrong(message: string): BerthError {
  return new BerthError('BERTH_BAD_REQUEST', message);
}

function nameOf(name: string): string {
  if (!TOKEN.test(name)) throw wrong(`${JSON.stringify(name)} is no name of a header`);
  return name;
}

function valueOf(name: string, value: string): string {
  if (!VALUE.test(value)) {
    throw wrong(`the value of header ${name} must be one line of Latin-1, not ${JSON.stringify(value.slice(0, 80))}`);
  }
  return value;
}

function* each(values: HeaderValues | undefined): Generator<[string, string, boolean]> {
  for (const [name, value] of Object.entries(values ?? {})) {
    let first = true;
    for (const one of typeof value === 'string' ? [value] : value) {
      yield [nameOf(name), valueOf(name, one), first];
      first = false;
    }
  }
}

function operations(
  set: HeaderValues | undefined,
  add: HeaderValues | undefined,
  remove: readonly string[] | undefined,
): HeaderOp[] {
  const all: HeaderOp[] = (remove ?? []).map((name) => ({ op: 'remove', name: nameOf(name) }));
  for (const [name, value, first] of each(set)) all.push({ op: first ? 'set' : 'add', name, value });
  for (const [name, value] of each(add)) all.push({ op: 'add', name, value });
  return all;
}

function auditOf(audit: Partial<AuditData> | undefined): AuditData | undefined {
  if (audit === undefined) return undefined;
  const { confidence } = audit;
  if (confidence !== undefined && !(confidence >= 0 && confidence <= 1)) {
    throw wrong(`audit.confidence must be from 0 to 1, not ${String(confidence)}`);
  }
  return { tags: [], ruleIds: [], reasonCodes: [], custom: {}, ...audit };
}

function answer(decision: Decision, changes: Changes | undefined, more: Partial<Answer> = {}): Answer {
  return {
    decision,
    requestHeaders: operations(changes?.setRequestHeaders, changes?.addRequestHeaders, changes?.removeRequestHeaders),
    responseHeaders: operations(
      changes?.setResponseHeaders,
      changes?.addResponseHeaders,
      changes?.removeResponseHeaders,
    ),
    audit: auditOf(changes?.audit),
    needsMore: false,
    ...more,
  };
}

const ALLOW: Decision = { kind: 'allow' };
const PLAIN_ALLOW: Answer = { decision: ALLOW, requestHeaders: [], responseHeaders: [], needsMore: false };
const PLAIN_MORE: Answer = { ...PLAIN_ALLOW, needsMore: true };

/** It goes on, with these changes. @throws BerthError of a header that cannot be sent, here and below */
export function allow(changes?: Changes): Answer {
  return changes === undefined ? PLAIN_ALLOW : answer(ALLOW, changes);
}

/**
 * The client is answered by the agent.
 *
 * @param status 200 … 599
 * @param body text
 * @param more headers of this answer, and what else it says
 */
export function block(status = 403, body?: string, more: Changes & { readonly headers?: HeaderValues } = {}): Answer {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw wrong(`a block has a status from 200 to 599, not ${String(status)}`);
  }
  const headers = [...each(more.headers)].map(([name, value]) => [name, value] as const);
  return answer({ kind: 'block', status, body, headers }, more);
}

/** @param url absolute, or a path  @param status 301, 302, 303, 307 or 308 */
export function redirect(url: string, status = 302, changes?: Changes): Answer {
  if (!REDIRECTS.has(status)) throw wrong(`a redirect has status 301, 302, 303, 307 or 308, not ${String(status)}`);
  if (!/^(?:\/(?![/\\])|[a-z][a-z0-9+.-]*:)[\x21-\x7e]*$/i.test(url)) {
    throw wrong(`a redirect leads to an absolute URL or a path, not to ${JSON.stringify(url.slice(0, 80))}`);
  }
  return answer({ kind: 'redirect', url, status }, changes);
}

/**
 * The client has to prove something first.
 *
 * @param type such as `basic`, `bearer` or `captcha`
 * @param params such as `{ realm: 'staff' }`
 */
export function challenge(type: string, params: Readonly<Record<string, string>> = {}, changes?: Changes): Answer {
  return answer({ kind: 'challenge', type: nameOf(type), params }, changes);
}

/** No decision yet: the body, or more of it, is wanted first. What has been shown is held meanwhile. */
export function needMore(changes?: Changes): Answer {
  return changes === undefined ? PLAIN_MORE : answer(ALLOW, changes, { needsMore: true });
}

/** For a chunk of a body: this goes on in its place. */
export function replace(data: string | Uint8Array, changes?: Changes): Answer {
  const body =
    typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return answer(ALLOW, changes, { body });
}

/** For a chunk of a body or a frame: it does not go on. */
export function drop(changes?: Changes): Answer {
  return answer(ALLOW, changes, { body: Buffer.alloc(0), frame: { kind: 'drop' } });
}

/** For a frame: the WebSocket is closed. @param code 1000 … 4999  @param reason at most 123 bytes */
export function closeSocket(code = 1008, reason = '', changes?: Changes): Answer {
  if (!Number.isInteger(code) || code < 1000 || code > 4999) {
    throw wrong(`a WebSocket is closed with a code from 1000 to 4999, not ${String(code)}`);
  }
  if (Buffer.byteLength(reason) > 123) throw wrong('the reason for closing a WebSocket has at most 123 bytes');
  return answer(ALLOW, changes, { frame: { kind: 'close', code, reason } });
}
