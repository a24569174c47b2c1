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

/** What a Hello says of the local services; nothing where there is only an HTTP one called `default`, as older gateways know it. */
export function offersOf(settings: NamedTargets & Wishes): LocalServiceOffer[] {
  const { ports, healthPaths } = settings;
  const offers = targetsOf(settings).map(([name, target]) => ({
    name,
    kind: kindOf(target),
    port: ports[name] ?? 0,
    healthPath: healthPaths[name] ?? '',
  }));
  const [only] = offers;
  const isPlain =
    offers.length === 1 &&
    only?.name === DEFAULT_SERVICE &&
    only.kind === 'http' &&
    only.port === 0 &&
    only.healthPath === '';
  return isPlain ? [] : offers;
}

/** What local services want of the gateway, by their names. */
export interface Wishes {
  readonly ports: Readonly<Record<string, number>>;
  readonly healthPaths: Readonly<Record<string, string>>;
}
