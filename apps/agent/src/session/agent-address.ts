import { isIPv6 } from 'node:net';
import { DEFAULT_SERVICE } from '@berth/exchange';
import { type NamedTargets, targetsOf } from '../service-offers.js';
import type { Registration } from './link.js';

/** Where clients reach one local service. */
export interface ServiceAddress {
  name: string;
  /** as the settings hold it */
  target: string;
  /** of scheme, host and port, such as `http://gateway.example:8100`; empty when the gateway has no port for it, or does not say */
  url: string;
  /** 0: none, or not known */
  port: number;
  /** why the gateway has no port for it, in its words */
  refused?: { code: string; message: string };
}

/** Where clients reach an agent. */
export interface AgentAddress {
  /** of its first local service; 0: the server does not say (protocol silo) */
  port: number;
  /** what the gateway says of itself, or else what was dialled */
  host: string;
  /** of its first local service */
  url: string;
  services: ServiceAddress[];
}

/** @param settings what was dialled, and the local services */
export function agentAddress(
  { scheme, host, port, ports }: Pick<Registration, 'scheme' | 'host' | 'port' | 'ports'>,
  settings: NamedTargets & { readonly gateway: string },
): AgentAddress {
  const { gateway } = settings;
  const shown = host === '' ? gateway.slice(0, gateway.lastIndexOf(':')) : host;
  const bracketed = isIPv6(shown) ? `[${shown}]` : shown;
  // Older gateways name no scheme: they have one kind of port.
  const urlOf = (its: string, number: number): string =>
    number === 0 ? '' : `${its || 'http'}://${bracketed}:${number}`;
  // Nor do they know of several services.
  const known = ports.length > 0 ? ports : [{ name: DEFAULT_SERVICE, port, scheme, code: '', message: '' }];
  const services = targetsOf(settings).map(([name, target]) => {
    const its = known.find((each) => each.name === name);
    const { code = '', message = '' } = its ?? {};
    const refused = code === '' ? {} : { refused: { code, message } };
    return { name, target, port: its?.port ?? 0, url: urlOf(its?.scheme ?? '', its?.port ?? 0), ...refused };
  });
  return { port, host: shown, url: urlOf(scheme, port), services };
}

/** For the log: the addresses by name, where there are several. */
export function urlsOf({ services }: AgentAddress): { urls?: Record<string, string> } {
  return services.length > 1 ? { urls: Object.fromEntries(services.map(({ name, url }) => [name, url])) } : {};
}
