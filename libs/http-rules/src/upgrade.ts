import { createHash } from 'node:crypto';
import type { FlatHeaders } from '@berth/exchange';
import { headerValue } from './flat-headers.js';

/** Keeps one `Connection: Upgrade`, where the first `Connection` with that token was. */
export function keepConnection(headers: FlatHeaders, name: string, value: string): void {
  if (headerValue(headers, 'connection') !== undefined || !/(^|,)\s*upgrade\s*(,|$)/i.test(value)) return;
  headers.push(name, value.includes(',') ? 'Upgrade' : value);
}

/** The protocols that a head's `Upgrade` names, in lower case. */
export function upgradeProtocols(headers: readonly string[]): string[] {
  const protocols: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (!isUpgradeName(headers[i] as string)) continue;
    for (const entry of (headers[i + 1] as string).split(',')) {
      const protocol = entry.trim().toLowerCase();
      if (protocol !== '') protocols.push(protocol);
    }
  }
  return protocols;
}

const HTTP_ITSELF = /^(?:h2c?|h3|https?|tls)(?:\/|$)/i;

/**
 * Whether a protocol carries HTTP: `h2c` and its likes, and `TLS` with HTTP inside (RFC 2817). RFC 9113 has
 * dropped `h2c`, and requests inside such a pipe would pass by every rule of ours.
 */
export function carriesHttp(protocol: string): boolean {
  return HTTP_ITSELF.test(protocol);
}

/** A request's headers without those protocols in its `Upgrade`; the list itself when there are none. */
export function withoutHttpUpgrades(headers: FlatHeaders): FlatHeaders {
  if (!upgradeProtocols(headers).some(carriesHttp)) return headers;
  const kept: FlatHeaders = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    const protocols = isUpgradeName(name)
      ? value
          .split(',')
          .filter((protocol) => !carriesHttp(protocol.trim()))
          .join(',')
          .trim()
      : value;
    if (!isUpgradeName(name) || protocols !== '') kept.push(name, protocols);
  }
  return kept;
}

/** What a `Sec-WebSocket-Key` is answered with (RFC 6455 section 4.2.2). */
export function webSocketAccept(key: string): string {
  return createHash('sha1').update(`${key}${WEBSOCKET_GUID}`).digest('base64');
}

const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

function isUpgradeName(name: string): boolean {
  return name.length === 7 && name.toLowerCase() === 'upgrade';
}
