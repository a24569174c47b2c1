import type { Duplex } from 'node:stream';
import { type FlatHeaders, withoutHeaders } from '@berth/http-rules';
import { type PortTlsSettings, withClientSubject } from '../../certificates/index.js';

/** What to tell the local service about the client; `ingress.forwardedHeaders`. */
export type ForwardedPolicy = 'append' | 'replace' | 'off';

/** The client as the gateway sees it. */
export interface ClientFacts {
  address: string;
  /** value of `Host`, may be empty */
  host: string;
  /** what it speaks to the gateway */
  scheme: 'http' | 'https';
}

/** The part of the ingress's settings that speaks of clients. */
export interface ClientOptions {
  readonly forwardedHeaders: ForwardedPolicy;
  readonly tls: Readonly<Pick<PortTlsSettings, 'enabled' | 'clientCert'>>;
}

const NAMES = {
  for: 'x-forwarded-for',
  proto: 'x-forwarded-proto',
  host: 'x-forwarded-host',
  forwarded: 'forwarded',
} as const;

/**
 * Applies the policy for `X-Forwarded-For`, `-Proto`, `-Host` and `Forwarded` (RFC 7239).
 *
 * - `append`: the client's address is added behind what the request brought, so that the
 *   last one is always the gateway's own word; proto and host are added where they are
 *   missing; `Forwarded` grows only where it is there.
 * - `replace`: what the request brought is dropped, and our own is set.
 * - `off`: nothing is touched.
 */
export function applyForwarded(headers: FlatHeaders, policy: ForwardedPolicy, client: ClientFacts): FlatHeaders {
  if (policy === 'off') return headers;
  const out = policy === 'replace' ? withoutForwarded(headers) : headers;
  // Several lines are one list: only the last one may grow.
  let lastFor = -1;
  let lastForwarded = -1;
  let hasProto = false;
  let hasHost = false;
  if (policy === 'append') {
    for (let i = 0; i < out.length; i += 2) {
      const name = out[i] as string;
      const { length } = name;
      if (length !== 15 && length !== 17 && length !== 16 && length !== 9) continue;
      const lower = name.toLowerCase();
      if (lower === NAMES.for) lastFor = i;
      else if (lower === NAMES.proto) hasProto = true;
      else if (lower === NAMES.host) hasHost = true;
      else if (lower === NAMES.forwarded) lastForwarded = i;
    }
  }
  if (lastForwarded >= 0) out[lastForwarded + 1] = appended(out[lastForwarded + 1], forwardedElement(client));
  if (lastFor >= 0) out[lastFor + 1] = appended(out[lastFor + 1], client.address);
  else out.push('X-Forwarded-For', client.address);
  if (!hasProto) out.push('X-Forwarded-Proto', client.scheme);
  if (!hasHost && client.host !== '') out.push('X-Forwarded-Host', client.host);
  return out;
}

/**
 * What a request tells of its client: forwarded headers, and with client certificates the subject.
 *
 * @param host value of `Host`, may be empty
 */
export function withClient(
  headers: FlatHeaders,
  socket: Duplex,
  address: string,
  host: string,
  { forwardedHeaders, tls }: ClientOptions,
): FlatHeaders {
  const known = tls.clientCert === 'none' ? headers : withClientSubject(headers, socket);
  return applyForwarded(known, forwardedHeaders, { address, host, scheme: tls.enabled ? 'https' : 'http' });
}

function appended(list: string | undefined, entry: string): string {
  return list === undefined || list === '' ? entry : `${list}, ${entry}`;
}

function withoutForwarded(headers: FlatHeaders): FlatHeaders {
  const own: ReadonlySet<string> = new Set(Object.values(NAMES));
  return withoutHeaders(headers, (name) => own.has(name.toLowerCase()));
}

function forwardedElement({ address, host, scheme }: ClientFacts): string {
  const node = address.includes(':') ? `"[${address}]"` : address;
  return host === ''
    ? `for=${node};proto=${scheme}`
    : `for=${node};host="${host.replace(/["\\]/g, '')}";proto=${scheme}`;
}
