import { LimitedLog, silentLog } from '@berth/observability';
import { policyAgentsLab } from './policy-agents-lab.js';
import type { RuleContext } from '../src/policy/rules/port-rule.js';

/** What a rule of a port knows of it, for one that stands alone. */
export function ruleLab(secure = false): RuleContext {
  const limitedLog = new LimitedLog(silentLog);
  return { key: 'a', secure, limitedLog, countRefusal: () => undefined, policyAgents: policyAgentsLab() };
}
