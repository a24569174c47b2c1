import { networks } from './networks.js';
import { networkOf } from './policy-checks.js';
import { entriesOf, type Policy, policyOf, type PolicyPart } from './policy-schema.js';

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

/** Names of `policies` that let nobody in by themselves; one sentence for each. @param map checked */
export function lockouts(map: Readonly<Record<string, PolicyPart>>): string[] {
  return Object.entries(map).flatMap(([name, part]) => {
    const why = lockout(policyOf(entriesOf(part)));
    return why === undefined ? [] : [`nobody can use the ports of policies."${name}": ${why}`];
  });
}

/** Rules of a policy that do nothing without others; one sentence for each. */
export function idleRules({ access, inspect }: Policy): string[] {
  if (inspect.agents.length === 0 && (inspect.guardrails || inspect.mutableBodies || inspect.paths.length > 0))
    return ['inspect has no effect: inspect.agents names no policy agent', ...idleProxies(access)];
  return idleProxies(access);
}

function idleProxies(access: Policy['access']): string[] {
  if (access.proxyProtocol !== 'off' && access.trustedProxies.length === 0)
    return ['access.proxyProtocol has no effect: access.trustedProxies names no proxy that would speak it'];
  if (access.proxyProtocol === 'off' && access.proxyHeaderOptional)
    return ['access.proxyHeaderOptional has no effect: access.proxyProtocol is off'];
  return [];
}
