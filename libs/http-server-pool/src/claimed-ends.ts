import type { Socket } from 'node:net';
import type { ConnectionEnds } from './proxy-header.js';

const NAMES = ['remoteAddress', 'remotePort', 'localAddress', 'localPort'] as const;

/**
 * Has a socket show the ends that a trusted proxy names in place of those of the proxy's own connection, to all that
 * ask it: limits, logs, middleware. So whoever serves the connection needs to know nothing of proxies.
 */
export function claimEnds(socket: Socket, ends: ConnectionEnds): void {
  for (const name of NAMES) Object.defineProperty(socket, name, { value: ends[name], configurable: true });
}

/** The ends that {@link claimEnds} gave a socket; undefined where it shows its own. */
export function claimedEnds(socket: Socket): ConnectionEnds | undefined {
  if (!Object.hasOwn(socket, 'remoteAddress')) return undefined;
  const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = socket;
  return { remoteAddress, remotePort, localAddress, localPort };
}
