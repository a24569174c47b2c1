import type { FlatHeaders } from '@berth/exchange';
import { FRAMING, isFieldValue, isToken } from '@berth/http-rules';
import type { Decision } from '@berth/policy-agents';

/** An answer in place of the service's, without its framing. */
export interface Instead {
  readonly status: number;
  readonly fields: FlatHeaders;
  readonly body: Buffer | undefined;
}

/** What a client is told of a challenge that HTTP has no scheme for. */
const CHALLENGE_HEADER = 'Berth-Challenge';

/** Schemes that clients know what to do about (IANA's registry of HTTP authentication schemes). */
const SCHEMES: readonly string[] = ['Basic', 'Bearer', 'Digest', 'DPoP', 'HOBA', 'Mutual', 'Negotiate', 'PrivateToken'];

const NOT_ANSWERED: ReadonlySet<string> = new Set([...FRAMING, 'date']);
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The answer that a decision means; as a text what is wrong with the decision, always the same for the same fault. */
export function insteadOf(decision: Exclude<Decision, { kind: 'allow' }>): Instead | string {
  switch (decision.kind) {
    case 'block':
      return blocked(decision);
    case 'redirect':
      return redirected(decision);
    case 'challenge':
      return challenged(decision);
  }
}

function blocked({ status, body, headers }: Extract<Decision, { kind: 'block' }>): Instead | string {
  if (!Number.isInteger(status) || status < 200 || status > 599) return 'a block with a status outside of 200 to 599';
  const fields: FlatHeaders = [];
  for (const [name, value] of headers) {
    if (!isToken(name) || !isFieldValue(value)) return 'a block with a header that HTTP does not allow';
    if (!NOT_ANSWERED.has(name.toLowerCase())) fields.push(name, value);
  }
  if (body === undefined || body === '' || status === 204 || status === 304) return { status, fields, body: undefined };
  if (!headers.some(([name]) => name.toLowerCase() === 'content-type')) fields.push(...TEXT);
  return { status, fields, body: Buffer.from(body) };
}

function redirected({ status, url }: Extract<Decision, { kind: 'redirect' }>): Instead | string {
  if (!REDIRECTS.has(status)) return 'a redirect with another status than 301, 302, 303, 307 or 308';
  // Two slashes are no path: they lead to another host (RFC 3986 section 4.2).
  const isPath = /^\/(?![/\\])/.test(url);
  const isHttp = /^https?:\/\//i.test(url) && URL.canParse(url);
  if (!/^[\x21-\x7e]+$/.test(url) || !(isPath || isHttp)) return 'a redirect to no http URL and no path';
  return { status, fields: ['Location', url], body: undefined };
}

/** 401 where clients know the scheme (RFC 9110 section 11.6.1); else 403 with a header of Berth's own. */
function challenged({ type, params }: Extract<Decision, { kind: 'challenge' }>): Instead | string {
  if (!isToken(type)) return 'a challenge of a type that is no token';
  const entries = Object.entries(params);
  if (!entries.every(([name, value]) => isToken(name) && isFieldValue(value)))
    return 'a challenge with a parameter that HTTP does not allow';
  const scheme = SCHEMES.find((known) => known.toLowerCase() === type.toLowerCase());
  const said = entries.map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`).join(', ');
  const challenge = [scheme ?? type, ...(said === '' ? [] : [said])].join(' ');
  if (scheme !== undefined) return { status: 401, fields: ['WWW-Authenticate', challenge], body: undefined };
  const body = Buffer.from(`Something has to be verified first: ${type}\n`);
  return { status: 403, fields: [CHALLENGE_HEADER, challenge, ...TEXT], body };
}

const TEXT = ['Content-Type', 'text/plain; charset=utf-8'] as const;
