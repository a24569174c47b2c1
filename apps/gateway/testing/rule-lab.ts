import { LimitedLog, silentLog } from '@berth/observability';
import type { RuleContext } from '../src/policy/rules/port-rule.js';

/** What a rule of a port knows of it, for one that stands alone. */
export function ruleLab(secure = false): RuleContext {
  return { key: 'a', secure, limitedLog: new LimitedLog(silentLog), countRefusal: () => undefined };
}
