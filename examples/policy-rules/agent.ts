import { type PolicyAgent, type PolicyAgentOptions, startPolicyAgent } from 'berth-policy';
import { Rules } from './rules.js';

/** Judges by address and path. The gateway may give other rules at any time. */
export function startRulesAgent(
  where: Pick<PolicyAgentOptions, 'listen' | 'connect' | 'token' | 'log'>,
  first: Rules,
): Promise<PolicyAgent> {
  let rules = first;
  return startPolicyAgent({
    name: 'rules',
    ...where,
    onRequest: (request) => rules.judge(request),
    onConfigure(config) {
      rules = Rules.from(config);
    },
    metrics: () => ({ gauges: [{ name: 'rules', help: 'rules in force', value: rules.count }] }),
  });
}
