import { isIPv4, isIPv6 } from 'node:net';
import type { FlatHeaders } from '@berth/exchange';

/** The PROXY protocol's specification, section 2.2: binary header, version 2. */
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
/** version 2, command LOCAL: there is no client to speak of */
const LOCAL = 0x20;
/** version 2, command PROXY */
const PROXY = 0x21;
const UNSPECIFIED = 0x00;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;

const NODES = /^for="([^"]*)";by="([^"]*)"$/;

/**
 * What a local service that speaks the PROXY protocol is told first: who the client is, and
 * which address and port of the gateway it came to.
 *
 * @param headers of the exchange; `Forwarded` has both (docs/protocol.md). Without it, or with
 *   one that cannot be read, the service is told that nothing is known
 */
export function proxyHeader(headers: FlatHeaders): Buffer {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'forwarded');
  const [, from = '', to = ''] = NODES.exec(headers[at + 1] ?? '') ?? [];
  const client = addressOf(from);
  const gateway = addressOf(to);
  if (client === undefined || gateway === undefined) return header(LOCAL, UNSPECIFIED, []);
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(client.port, 0);
  ports.writeUInt16BE(gateway.port, 2);
  const isV4 = client.family === 'ipv4' && gateway.family === 'ipv4';
  const bytes = isV4 ? bytesOfV4 : bytesOfV6;
  const addresses = [bytes(client.address), bytes(gateway.address), ports];
  return header(PROXY, isV4 ? TCP_OVER_IPV4 : TCP_OVER_IPV6, addresses);
}

function header(command: number, family: number, addresses: Buffer[]): Buffer {
  const body = Buffer.concat(addresses);
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, 0, body.length]), body]);
}

/** @param node `192.0.2.1:80` or `[2001:db8::1]:80` */
function addressOf(node: string): { family: 'ipv4' | 'ipv6'; address: string; port: number } | undefined {
  const [, v6, v4, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(node) ?? [];
  const port = Number(digits);
  if (!(port <= 65_535)) return undefined;
  if (v4 !== undefined && isIPv4(v4)) return { family: 'ipv4', address: v4, port };
  // Without a zone, which is not part of the address.
  if (v6 !== undefined && isIPv6(v6) && !v6.includes('%')) return { family: 'ipv6', address: v6, port };
  return undefined;
}

function bytesOfV4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function bytesOfV6(address: string): Buffer {
  if (isIPv4(address)) return bytesOfV6(`::ffff:${address}`);
  // URLs write an IPv6 host in groups of hex digits only, whatever it was given in.
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [first, last] = [head, tail].map((part) => (part === '' ? [] : part.split(':'))) as [string[], string[]];
  const zeros = Array<string>(8 - first.length - last.length).fill('0');
  const out = Buffer.alloc(16);
  [...first, ...zeros, ...last].forEach((group, index) => out.writeUInt16BE(parseInt(group, 16), index * 2));
  return out;
}
