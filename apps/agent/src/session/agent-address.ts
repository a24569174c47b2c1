import { isIPv6 } from 'node:net';
import type { Registration } from './link.js';

/** Where clients reach an agent. */
export interface AgentAddress {
  /** 0: the server does not say (protocol silo) */
  port: number;
  /** what the gateway says of itself, or else what was dialled */
  host: string;
  /** of scheme, host and port, such as `http://gateway.example:8100`; empty without a port */
  url: string;
}

/** @param gateway host and gRPC port that were dialled */
export function agentAddress(
  { scheme, host, port }: Pick<Registration, 'scheme' | 'host' | 'port'>,
  gateway: string,
): AgentAddress {
  const shown = host === '' ? gateway.slice(0, gateway.lastIndexOf(':')) : host;
  const bracketed = isIPv6(shown) ? `[${shown}]` : shown;
  if (port === 0) return { port, host: shown, url: '' };
  // Older gateways name no scheme: they have one kind of port.
  return { port, host: shown, url: `${scheme || 'http'}://${bracketed}:${port}` };
}
