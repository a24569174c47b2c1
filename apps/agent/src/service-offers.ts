import { DEFAULT_SERVICE } from '@berth/exchange';
import type { LocalServiceOffer } from '@berth/tunnel-protocol';
import { kindOf } from './target.js';

/** The part of the settings that names local services. */
export interface NamedTargets {
  readonly target: string;
  readonly expose: Readonly<Record<string, string>>;
}

/** Name and target of each local service; that of `target` comes first. */
export function targetsOf({ target, expose }: NamedTargets): [string, string][] {
  return [...(target === '' ? [] : [[DEFAULT_SERVICE, target] as [string, string]]), ...Object.entries(expose)];
}

/** All local services with what they want of the gateway. */
export function offersOf(settings: NamedTargets & Wishes): LocalServiceOffer[] {
  const { ports, healthPaths, loopbackServices } = settings;
  return targetsOf(settings).map(([name, target]) => ({
    name,
    kind: kindOf(target),
    port: ports[name] ?? 0,
    healthPath: healthPaths[name] ?? '',
    loopback: loopbackServices.includes(name),
  }));
}

/** What a Hello says of them; nothing where there is only an HTTP one called `default`, as older gateways know it. */
export function helloOffers(offers: LocalServiceOffer[]): LocalServiceOffer[] {
  const [only] = offers;
  const isPlain =
    offers.length === 1 &&
    only?.name === DEFAULT_SERVICE &&
    only.kind === 'http' &&
    only.port === 0 &&
    only.healthPath === '' &&
    only.loopback !== true;
  return isPlain ? [] : offers;
}

/** What local services want of the gateway, by their names. */
export interface Wishes {
  readonly ports: Readonly<Record<string, number>>;
  readonly healthPaths: Readonly<Record<string, string>>;
  /** names of those whose ports listen on the gateway's loopback alone */
  readonly loopbackServices: readonly string[];
}
