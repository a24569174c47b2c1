import { connect } from 'node:net';
import type { GatewaySettings } from 'berth-gateway';
import { RawClient } from '../index.js';
import type { LogLine, LogLines } from './log-lines.js';

/** Where the trusted proxy of tests comes from; others come from 127.0.0.1. */
export const PROXY = '127.0.0.2';
/** Headers of both versions, which name the client 203.0.113.7:4711. */
export const PROXY_V1 = 'PROXY TCP4 203.0.113.7 192.0.2.7 4711 443\r\n';
export const PROXY_V2 = `\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x07\x12\x67\x01\xbb`;
/** What closes behind its answer. */
export const CLOSING_GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

export type PortRules = NonNullable<GatewaySettings['policies'][string]>;
export type PortAccess = NonNullable<PortRules['access']>;

/** For ports that such a proxy stands before. */
export const behindProxy = (access: PortAccess = {}, more: PortRules = {}): Record<string, PortRules> => ({
  '*': { access: { trustedProxies: [PROXY], proxyProtocol: 'any', ...access }, ...more },
});

/** A connection of the proxy. */
export const proxied = (port: number): Promise<RawClient> => RawClient.connect(port, { localAddress: PROXY });

/** What comes back until the connection ends. */
export async function askAs(port: number, bytes: string, localAddress = PROXY): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => undefined);
  socket.write(bytes, 'latin1');
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString('latin1');
}

/** What the log warns of, without what it says at the start. */
export const warningsOf = ({ log }: { log: LogLines }): LogLine[] =>
  log.at('warn').filter(({ msg }) => !msg.startsWith('anybody'));
