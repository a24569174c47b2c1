import { BlockList, isIP } from 'node:net';
import type { RawValue } from '@berth/config';
import { isLoopback } from '@berth/node-runtime';
import { srvNameOf } from './gateway-address.js';

/** Says that no proxy is wanted, whatever the environment names. */
const NONE = 'none';

/** Where a proxy is looked for, the first that is set; a tunnel needs CONNECT, which is what HTTPS_PROXY is for. */
const PROXY_NAMES = ['grpc_proxy', 'https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'];
const NO_PROXY_NAMES = ['no_grpc_proxy', 'no_proxy', 'NO_PROXY'];

/**
 * A proxy as the agent keeps it, `http://[user[:password]@]host:port`; empty for `none`.
 *
 * @param text as written; without a scheme it means http
 * @returns nothing when it is no such address
 */
export function normaliseProxy(text: string): string | undefined {
  if (text === '' || text === NONE) return '';
  const full = text.includes('://') ? text : `http://${text}`;
  if (/\s/.test(full) || !URL.canParse(full)) return undefined;
  const { protocol, username, password, hostname, port, pathname, search, hash } = new URL(full);
  if (!isEncoded(username) || !isEncoded(password)) return undefined;
  if (protocol !== 'http:' || pathname !== '/' || search + hash !== '' || port === '0') return undefined;
  const user = username === '' ? '' : `${username}${password === '' ? '' : `:${password}`}@`;
  return `http://${user}${hostname}:${port === '' ? '80' : port}`;
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

export function checkProxy(text: string): string | undefined {
  return normaliseProxy(text) === undefined
    ? 'must be http://host:port, or with user:password@ before the host; "none" to go without'
    : undefined;
}

/**
 * The proxy that the environment names for the way to a gateway. Names in small
 * letters win over capitals. A gateway on this machine needs none.
 *
 * @param gateway `host:port`, or `srv:` and a name, whose domain decides then: hosts are known later
 */
export function proxyLayer(env: NodeJS.ProcessEnv, gateway: string): RawValue[] {
  const name = PROXY_NAMES.find((one) => (env[one] ?? '') !== '');
  if (name === undefined) return [];
  const exceptions = NO_PROXY_NAMES.map((one) => env[one] ?? '').find((list) => list !== '') ?? '';
  const { host, port } = hostOf(gateway);
  if (isLoopback(host) || isExcepted(exceptions, host.toLowerCase(), port)) return [];
  return [{ path: 'proxy', value: env[name], source: `env ${name}` }];
}

function hostOf(gateway: string): { host: string; port: string } {
  const name = srvNameOf(gateway);
  if (name !== undefined) return { host: name.replace(/\.$/, ''), port: '' };
  const colon = gateway.lastIndexOf(':');
  return { host: gateway.slice(0, colon).replace(/^\[|\]$/g, ''), port: gateway.slice(colon + 1) };
}

/** @param list hosts, domains with all below them, addresses, networks (`10.0.0.0/8`), `*`; each may end in `:port` */
function isExcepted(list: string, host: string, port: string): boolean {
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      const isBareIpv6 = entry.split(':').length > 2 && !entry.startsWith('[');
      const [, name = entry, only] = (isBareIpv6 ? null : /^(\[.*\]|[^:]*):(\d+)$/.exec(entry)) ?? [];
      if (name === '' || (only !== undefined && only !== port)) return false;
      const domain = name.replace(/^\[|\]$/g, '').replace(/^\*?\./, '');
      if (domain === '*' || domain === host) return true;
      return isIP(host) === 0 ? host.endsWith(`.${domain}`) : isWithin(domain, host);
    });
}

function isWithin(network: string, host: string): boolean {
  const [address = '', bits] = network.split('/');
  const [family, hostFamily] = [isIP(address), isIP(host)];
  if (family === 0 || family !== hostFamily || bits === undefined || !/^\d+$/.test(bits)) return false;
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const networks = new BlockList();
  networks.addSubnet(address, Number(bits), type);
  return networks.check(host, type);
}
