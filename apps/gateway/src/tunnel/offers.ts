import { BerthError } from '@berth/errors';
import { DEFAULT_SERVICE, isServiceName, SERVICE_NAME_RULE } from '@berth/exchange';
import { type Hello, type LocalServiceOffer, MAX_SERVICES, type ServicePort } from '@berth/tunnel-protocol';
import type { ServiceOffer, ServiceOutcome } from '../agents/index.js';
import { DEFAULT_PORT_KIND } from '../ports/index.js';

const HEALTH_PATH = /^(?:\/[\x21-\x7e]{0,1023})?$/;

/**
 * Local services as an agent offers them (docs/protocol.md, Hello).
 *
 * @throws BerthError `BERTH_PROTOCOL_ERROR` naming what is wrong
 */
export function checkOffers(services: readonly LocalServiceOffer[]): void {
  if (services.length > MAX_SERVICES) throw wrong(`an agent may offer ${MAX_SERVICES} local services`);
  const names = new Set<string>();
  for (const { name, port, healthPath } of services) {
    if (!isServiceName(name)) throw wrong(`the name of a local service must be ${SERVICE_NAME_RULE}`);
    if (names.has(name)) throw wrong(`local service ${name} is offered twice`);
    if (port > 65_535) throw wrong(`local service ${name} wishes port ${port}`);
    if (!HEALTH_PATH.test(healthPath)) throw wrong(`the health path of local service ${name} is not a path`);
    names.add(name);
  }
}

/**
 * The same for a list that takes the place of a Hello's.
 *
 * @throws BerthError `BERTH_PROTOCOL_ERROR` naming what is wrong
 */
export function checkList(services: readonly LocalServiceOffer[]): void {
  if (services.length === 0) throw wrong('an agent must offer a local service');
  checkOffers(services);
}

/** What a Hello offers; an agent that lists nothing has one service. */
export function offersOf({ services, portKind }: Hello): ServiceOffer[] {
  if (services.length > 0) return services.map(offerOf);
  return [offerOf({ name: DEFAULT_SERVICE, kind: portKind, port: 0, healthPath: '' })];
}

/** @param offer as it came */
export function offerOf({ name, kind, port, healthPath, loopback = false }: LocalServiceOffer): ServiceOffer {
  return { name, kind: kind === '' ? DEFAULT_PORT_KIND : kind, port, healthPath, loopback };
}

/** What became of an offer, as its agent is told. */
export function wirePort({ name, port, scheme, error }: ServiceOutcome): ServicePort {
  const { code = '', message = '', retryable = false } = error ?? {};
  return { name, port, scheme, code, message, retryable };
}

function wrong(what: string): BerthError {
  return new BerthError('BERTH_PROTOCOL_ERROR', what);
}
