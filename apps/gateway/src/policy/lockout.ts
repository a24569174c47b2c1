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
