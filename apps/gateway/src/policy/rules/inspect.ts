import type { OpenHead } from '@berth/exchange';
import { Filter, inspection } from '../../policy-agents/index.js';
import type { PortRule } from './port-rule.js';

/** Policy agents judge what passes. */
export const inspect: PortRule = {
  reads: ['inspect'],
  make({ inspect: rules }, { key, limitedLog, policyAgents }) {
    if (rules.agents.length === 0) return undefined;
    const { guardrails, maxHeldBytes, mode, mutableBodies } = rules;
    const filter = new Filter(rules);
    const agents = new Map(rules.agents.map((name) => [name, policyAgents.judge(name)]));
    const inspectors = [...agents.values()].map((agent) => ({
      judge: agent,
      concerns: (head: OpenHead) => filter.concerns(head) && agent.concerns(head),
      concernsBody: (type: string) => filter.concernsBody(type) && agent.concernsBody(type),
    }));
    return inspection(
      { inspectors, mode, mutableBodies, guardrails, maxHeldBytes, held: policyAgents.held },
      { key, limitedLog, judged: (event) => agents.get(event.agentName)?.decided(event, key) },
    );
  },
};
