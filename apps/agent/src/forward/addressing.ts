import { type FlatHeaders, type OpenHead } from '@berth/exchange';
import { headerValue, isHost } from '@berth/http-rules';
import type { LocalTarget } from './local-target.js';

/** What is said about addresses; see `local.hostHeader` and `local.originUrl`. */
export interface AddressSettings {
  readonly hostHeader: string;
  readonly originUrl: string;
}

/** What is wrong with a value of `local.hostHeader`. */
export function checkHostHeader(value: string): string | undefined {
  return isHost(value) ? undefined : 'must be keep, target, or a host such as localhost:3000, without a scheme';
}

/** What is wrong with a value of `local.originUrl`; empty is none. */
export function checkOriginUrl(value: string): string | undefined {
  return value === '' || originOf(value) !== undefined
    ? undefined
    : 'must be http://host:port or https://host:port, without a path';
}

/** `scheme://authority` of a URL that has nothing else. */
function originOf(value: string): string | undefined {
  if (!/^https?:\/\/[^/?#@\s]+\/?$/i.test(value) || !URL.canParse(value)) return undefined;
  return new URL(value).origin;
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Gives a local service the address that it takes for its own, and its clients the one that they used: `Host`,
 * `Origin` and `Referer` of requests, and absolute redirects of answers.
 */
export class Addressing {
  /** for `Host`; undefined: the client's stays */
  private readonly host: string | undefined;
  /** for `Origin` and `Referer` */
  private readonly origin: string;
  /** authorities that mean the service, in lower case and without default ports */
  private readonly own: ReadonlySet<string>;

  private constructor(target: LocalTarget, { hostHeader, originUrl }: AddressSettings) {
    const { host: targetHost, origin: targetOrigin } = new URL(target.origin);
    this.host = hostHeader === 'keep' ? undefined : hostHeader === 'target' ? targetHost : hostHeader;
    const ownUrl = originOf(originUrl);
    this.origin =
      ownUrl ?? (this.host === undefined ? targetOrigin : `${target.secure ? 'https' : 'http'}://${this.host}`);
    const own = new Set([targetHost, authorityOfUrl(this.origin)]);
    if (this.host !== undefined) own.add(this.host.toLowerCase().replace(/:(80|443)$/, ''));
    const { hostname, port } = new URL(targetOrigin);
    // A service that listens at one of them may call itself by another.
    if (LOOPBACK.includes(hostname)) for (const name of LOOPBACK) own.add(port === '' ? name : `${name}:${port}`);
    this.own = own;
  }

  /** @returns undefined where nothing is to be changed, which costs nothing */
  static of(target: LocalTarget, settings: AddressSettings): Addressing | undefined {
    const { hostHeader, originUrl } = settings;
    return target.raw || (hostHeader === 'keep' && originUrl === '') ? undefined : new Addressing(target, settings);
  }

  /** The head of a request as the service is to see it; the head itself where nothing changes. */
  request(head: OpenHead): OpenHead {
    const { host } = this;
    if (host === undefined) return head;
    const before = headerValue(head.headers, 'host') ?? '';
    const proto = protoOf(head.headers);
    const headers = [...head.headers];
    let hosts = 0;
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string;
      if (!/^(host|origin|referer)$/i.test(name)) continue;
      const isHostName = name.length === 4;
      if (isHostName) hosts += 1;
      headers[i + 1] = isHostName ? host : this.sameSite(headers[i + 1] as string, proto, before);
    }
    if (hosts === 0) headers.unshift('Host', host);
    const target = head.target.replace(/^(https?:\/\/)[^/?#]*/i, (_all, scheme: string) => scheme + host);
    return { ...head, headers, target };
  }

  /** `Origin` or `Referer` of the address that the client used becomes the service's; others stay, and so do checks of them. */
  private sameSite(value: string, proto: string | undefined, host: string): string {
    const [all, scheme = '', authority = ''] = ABSOLUTE.exec(value) ?? [];
    if (all === undefined || host === '' || authority.toLowerCase() !== host.toLowerCase()) return value;
    if (proto !== undefined && scheme.toLowerCase() !== `${proto}:`) return value;
    return this.origin + value.slice(all.length);
  }

  /**
   * The headers of an answer as its client is to see them. Changes the list.
   *
   * @param request as it came from the gateway
   */
  answer(headers: FlatHeaders, request: OpenHead): FlatHeaders {
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string;
      // location, content-location, refresh
      if (name.length !== 8 && name.length !== 16 && name.length !== 7) continue;
      const lower = name.toLowerCase();
      const value = headers[i + 1] as string;
      if (lower === 'location' || lower === 'content-location') headers[i + 1] = this.outside(value, request);
      else if (lower === 'refresh') {
        const [before = ''] = REFRESH.exec(value) ?? [];
        if (before !== '') headers[i + 1] = before + this.outside(value.slice(before.length), request);
      }
    }
    return headers;
  }

  private outside(value: string, request: OpenHead): string {
    const [all, scheme = '', authority = ''] = ABSOLUTE.exec(value) ?? [];
    if (all === undefined) return value;
    const port = scheme.toLowerCase() === 'https:' ? /:443$/ : /:80$/;
    if (!this.own.has(authority.toLowerCase().replace(port, ''))) return value;
    const rest = value.slice(all.length);
    const [host = ''] = (headerValue(request.headers, 'x-forwarded-host') ?? '').split(',', 1);
    const client = host.trim() === '' ? (headerValue(request.headers, 'host') ?? '') : host.trim();
    // Whatever address the client used, a path leads there.
    if (!isHost(client)) return rest.startsWith('/') ? rest : `/${rest}`;
    const proto = protoOf(request.headers);
    return `${proto === undefined ? '' : `${proto}:`}//${client}${rest}`;
  }
}

/** Scheme and authority of a reference that has one (RFC 3986 section 4.2). */
const ABSOLUTE = /^(https?:)?\/\/([^/?#]*)/i;

const REFRESH = /^\s*\d{1,9}\s*[;,]\s*url\s*=\s*["']?/i;

function authorityOfUrl(origin: string): string {
  return new URL(origin).host;
}

/** The scheme that the client used, if somebody has said it. */
function protoOf(headers: FlatHeaders): string | undefined {
  const [first = ''] = (headerValue(headers, 'x-forwarded-proto') ?? '').split(',', 1);
  const proto = first.trim().toLowerCase();
  return proto === 'http' || proto === 'https' ? proto : undefined;
}
