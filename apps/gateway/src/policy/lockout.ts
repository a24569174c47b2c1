import { networks } from './networks.js';
import { networkOf } from './policy-checks.js';
import type { Policy } from './policy-schema.js';

/** Why a policy lets nobody in, as far as addresses tell; undefined when it does let somebody in. */
export function lockout({ access }: Policy): string | undefined {
  const { allow, deny } = access;
  const all = ['0.0.0.0/0', '::/0'];
  const denied = (item: string): boolean => {
    const network = networkOf(item);
    if (network === undefined) return false;
    return deny.some((other) => {
      const wide = networkOf(other);
      return wide?.family === network.family && wide.bits <= network.bits && networks([other])(network.address);
    });
  };
  if (allow.length === 0) return all.every(denied) ? 'access.deny names all addresses' : undefined;
  return allow.every(denied) ? 'access.deny names all that access.allow does' : undefined;
}

/** Rules of a policy that do nothing without others; one sentence for each. */
export function idleRules({ access }: Policy): string[] {
  if (access.proxyProtocol !== 'off' && access.trustedProxies.length === 0)
    return ['access.proxyProtocol has no effect: access.trustedProxies names no proxy that would speak it'];
  if (access.proxyProtocol === 'off' && access.proxyHeaderOptional)
    return ['access.proxyHeaderOptional has no effect: access.proxyProtocol is off'];
  return [];
}
