export { addressKey } from './address-key.js';
export type { EffectivePolicy } from './policy-layers.js';
export { networks } from './networks.js';
export { type PoliciesSettings, Policies, policyConfig } from './policy.settings.js';
export { type Policy, POLICY_RULES, partOf, type PolicyPart, valueAt } from './policy-schema.js';
export { PolicyModule } from './policy.module.js';
export { PortPolicies } from './port-policies.js';
export { idleRules, lockout } from './lockout.js';
export { httpOnly, PortRules, ruleContext } from './rules/port-rules.js';
