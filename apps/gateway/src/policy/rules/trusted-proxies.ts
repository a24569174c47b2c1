import { isIP } from 'node:net';
import { headerValues } from '@berth/http-rules';
import { networks } from '../networks.js';
import type { PortRule } from './port-rule.js';

/** Longer lists are nobody's chain of proxies. */
const MAX_HOPS = 64;

/**
 * Whose request it is behind proxies that are trusted: of the addresses in
 * X-Forwarded-For, the last that is none of them. Berth has added the peer's own at its end.
 */
export const trustedProxies: PortRule = {
  reads: ['access'],
  make({ access }) {
    if (access.trustedProxies.length === 0) return undefined;
    const isTrusted = networks(access.trustedProxies);
    return (next) => (request, sink) => {
      const peer = request.clientAddress;
      if (!isTrusted(peer)) {
        next(request, sink);
        return;
      }
      const { except, openHead, replicaId } = request;
      const hops = headerValues(openHead.headers, 'x-forwarded-for').join(',').split(',');
      next({ openHead, except, replicaId, clientAddress: clientBehind(hops.slice(-MAX_HOPS), peer, isTrusted) }, sink);
    };
  },
};

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
