import { isIP } from 'node:net';

/**
 * Whether an address is reached from this machine only. A name counts as one of
 * the network, whatever it resolves to; `localhost` is the exception.
 *
 * @param host IP address, in IPv6 form too (`::ffff:127.0.0.1`), or a host name
 */
export function isLoopback(host: string): boolean {
  const address = host.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
  if (isIP(address) === 4) return address.startsWith('127.');
  return address === '::1' || address === 'localhost';
}

/** Whether a server that listens there does so at all addresses of the machine. @param host as settings have it */
export function isWildcard(host: string): boolean {
  return ['0.0.0.0', '::', '[::]', ''].includes(host);
}
