import { isIPv6 } from 'node:net';
import { isAbsolute, resolve } from 'node:path';
import { BerthError } from '@berth/errors';

/** A host and a port to listen on. */
export interface TcpAddress {
  /** IPv4 or IPv6 address, or a name such as `localhost`; empty: every address of the machine */
  host: string;
  /** 0..65535; 0 lets the system choose */
  port: number;
  /** the first free port from `port` to this one, both included */
  lastPort?: number;
}

/** A Unix socket. */
export interface SocketPath {
  /** absolute, 107 bytes at most */
  path: string;
}

/** Where a server listens. */
export type BindAddress = TcpAddress | SocketPath;

/** Room for a path in the system's `sockaddr_un` on Linux, without the byte that ends it. */
const MAX_PATH_BYTES = 107;

/** Letters, digits, dots, hyphens and underscores: what resolvers take. */
const HOST_NAME = /^(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?$/;
const TCP = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})(?:-(\d{1,5}))?$/;

/**
 * Reads an address as people write it: `127.0.0.1:3000`, `[::1]:3000`, `localhost:3000`, `:3000` (every address),
 * `127.0.0.1:0` (a port that the system chooses), `127.0.0.1:8100-8199` (the first free one), `unix:/run/app.sock`,
 * `/run/app.sock`, `./app.sock`.
 *
 * @throws BerthError `BERTH_CONFIG_INVALID` that says what is wrong with it
 */
export function parseBind(text: string): BindAddress {
  const path = socketPathOf(text);
  if (path !== undefined) return checkedPath(path, text);
  const [, ipv6, name = '', first, last] = TCP.exec(text.trim().toLowerCase()) ?? [];
  if (first === undefined) {
    throw wrong(text, 'write host:port, [IPv6]:port, host:first-last, or unix:/path');
  }
  const port = checkedPort(first, text);
  if (ipv6 === undefined && name !== '' && !HOST_NAME.test(name)) throw wrong(text, `"${name}" is no host name`);
  const host = ipv6 === undefined ? checkedIPv4(name, text) : canonicalIPv6(ipv6, text);
  if (last === undefined) return { host, port };
  const lastPort = checkedPort(last, text);
  if (port < 1 || lastPort < port) throw wrong(text, 'a range goes from a port above 0 to one that is not below it');
  return { host, port, lastPort };
}

/** The key of a server in its pool: `host:port` with IPv6 in brackets, or `unix:/path`. {@link parseBind} reads it back. */
export function bindKey(address: BindAddress): string {
  if ('path' in address) return `unix:${address.path}`;
  const { host, port, lastPort } = address;
  const ports = lastPort === undefined ? String(port) : `${port}-${lastPort}`;
  return host.includes(':') ? `[${host}]:${ports}` : `${host}:${ports}`;
}

/** The canonical form of an address, or the text itself when it is none: what a look-up goes by. */
export function keyOf(text: string): string {
  try {
    return bindKey(parseBind(text));
  } catch {
    return text;
  }
}

/** Whether the port is known only once a server listens there. */
export function isAutomatic(address: BindAddress): boolean {
  return !('path' in address) && (address.port === 0 || address.lastPort !== undefined);
}

function socketPathOf(text: string): string | undefined {
  if (text.startsWith('unix:')) return text.slice('unix:'.length);
  return isAbsolute(text) || text.startsWith('./') || text.endsWith('.sock') ? text : undefined;
}

function checkedPath(path: string, text: string): SocketPath {
  if (path === '' || path.includes('\0')) throw wrong(text, 'the path of the socket is missing');
  const absolute = resolve(path);
  if (Buffer.byteLength(absolute) > MAX_PATH_BYTES) {
    throw wrong(
      text,
      `a Unix socket's path has ${MAX_PATH_BYTES} bytes at most, this has ${Buffer.byteLength(absolute)}`,
    );
  }
  return { path: absolute };
}

function checkedPort(digits: string, text: string): number {
  const port = Number(digits);
  if (port > 65_535) throw wrong(text, `port ${digits} is above 65535`);
  return port;
}

function checkedIPv4(host: string, text: string): string {
  // All digits and dots is meant as an address; a resolver would take 1.2.3 for 1.2.0.3.
  if (/^[\d.]+$/.test(host) && !/^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/.test(host)) {
    throw wrong(text, `"${host}" is no IPv4 address`);
  }
  return host;
}

function canonicalIPv6(host: string, text: string): string {
  if (!isIPv6(host)) throw wrong(text, `"${host}" is no IPv6 address`);
  const [address = '', zone] = host.split('%');
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
  return zone === undefined ? short : `${short}%${zone}`;
}

function wrong(text: string, why: string): BerthError {
  return new BerthError('BERTH_CONFIG_INVALID', `"${text.slice(0, 200)}" is not an address to listen on: ${why}`);
}
