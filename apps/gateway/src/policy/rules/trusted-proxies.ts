import { isIP } from 'node:net';
import type { ExchangeRequest } from '@berth/exchange';
import { headerValues } from '@berth/http-rules';
import { networks } from '../networks.js';
import type { Policy } from '../policy-schema.js';
import type { PortRule } from './port-rule.js';

/** Longer lists are nobody's chain of proxies. */
const MAX_HOPS = 64;

/**
 * Whose request it is behind proxies that are trusted: of the addresses in
 * X-Forwarded-For, the last that is none of them. Berth has added the peer's own at its end.
 */
export const trustedProxies: PortRule = {
  reads: ['access'],
  make(policy) {
    const clientOf = clientFinder(policy);
    if (clientOf === undefined) return undefined;
    return (next) => (request, sink) => {
      const clientAddress = clientOf(request);
      const { except, openHead, protocol, replicaId } = request;
      if (clientAddress === request.clientAddress) next(request, sink);
      else next({ openHead, except, protocol, replicaId, clientAddress }, sink);
    };
  },
};

/** Says whose request it is; undefined where no proxy is trusted: the peer's. */
export function clientFinder({ access }: Policy): ((request: ExchangeRequest) => string) | undefined {
  if (access.trustedProxies.length === 0) return undefined;
  const isTrusted = networks(access.trustedProxies);
  return ({ clientAddress: peer, openHead }) => {
    if (!isTrusted(peer)) return peer;
    const hops = headerValues(openHead.headers, 'x-forwarded-for').join(',').split(',');
    return clientBehind(hops.slice(-MAX_HOPS), peer, isTrusted);
  };
}

function clientBehind(hops: readonly string[], peer: string, isTrusted: (address: string) => boolean): string {
  let known = peer;
  for (const hop of [...hops].reverse()) {
    const address = hop.trim();
    // What a trusted proxy could not tell leads no further.
    if (isIP(address) === 0) return known;
    known = address;
    if (!isTrusted(address)) return known;
  }
  return known;
}
