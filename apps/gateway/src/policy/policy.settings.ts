import { type Frozen, Tree } from '@berth/config';
import { registerAs } from '@nestjs/config';
import { checkPolicies } from './policy-layers.js';
import type { PolicyPart } from './policy-schema.js';

/** Rules of ports, by patterns for agents and their local services. */
export type PoliciesSettings = Record<string, PolicyPart>;

/** The setting `policies`. */
export const Policies = (): PropertyDecorator =>
  Tree({
    // Passwords and tokens stand in it.
    secret: true,
    check: checkPolicies,
    live: true,
    description:
      'Rules of ports: ids of agents, exact or with `*` for any characters, or with `/` and a local service behind them, with the rules of docs/policies.md for each. All that fit count, the more exact ones over the others.',
  });

export const policyConfig = registerAs('berth.policies', (): Frozen<PoliciesSettings> => ({}));
