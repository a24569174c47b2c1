import type { ExchangeHandler } from '@berth/exchange';
import { countUp, type LimitedLog } from '@berth/observability';
import type { LocalService } from '../../agents/index.js';
import type { PolicyAgents } from '../../policy-agents/index.js';
import type { Policy } from '../policy-schema.js';
import { bandwidth } from './bandwidth.js';
import { clientAddresses } from './client-addresses.js';
import { compression } from './compression.js';
import { cors } from './cors.js';
import { credentials } from './credentials.js';
import { exchangeLimits } from './exchange-limits.js';
import { forwardAuth } from './forward-auth.js';
import { inspect } from './inspect.js';
import { maintenance } from './maintenance.js';
import type { PortRule, RuleContext } from './port-rule.js';
import { readOnly } from './read-only.js';
import { requestHeaders } from './request-headers.js';
import { requestRate } from './request-rate.js';
import { responseHeaders } from './response-headers.js';
import { trustedProxies } from './trusted-proxies.js';

/** In their order: the first sees requests first, and answers last. */
const RULES: readonly PortRule[] = [
  trustedProxies,
  clientAddresses,
  bandwidth,
  responseHeaders,
  compression,
  cors,
  requestRate,
  maintenance,
  readOnly,
  exchangeLimits,
  credentials,
  forwardAuth,
  requestHeaders,
  inspect,
];

/** Rules that raw TCP has as well, by the beginning of their paths. */
const FOR_TCP = [
  'listen.',
  'access.allow',
  'access.deny',
  'access.trustedProxies',
  'access.proxyProtocol',
  'access.proxyHeaderOptional',
  'limits.maxConnections',
  'limits.maxExchanges',
  'bandwidth.',
];

/** Of the paths of rules, those that say nothing about raw TCP. */
export function httpOnly(paths: Iterable<string>): string[] {
  return [...paths].filter((path) => !FOR_TCP.some((start) => path.startsWith(start)));
}

/** What the rules of a service's port know of it. */
export function ruleContext(
  service: LocalService,
  secure: boolean,
  limitedLog: LimitedLog,
  policyAgents: PolicyAgents,
): RuleContext {
  const countRefusal: RuleContext['countRefusal'] = (rule) => {
    countUp(service.stats.refusedByRule, rule);
  };
  return { key: service.key, secure, limitedLog, countRefusal, policyAgents };
}

/** Makes the handlers of one port, and keeps those whose part of the policy stays as it is. */
export class PortRules {
  private readonly made = new Map<PortRule, { text: string; handler: ExchangeHandler | undefined }>();
  private readonly rules: readonly PortRule[];
  private last: { policy: Policy; handlers: ExchangeHandler[] } | undefined;

  /** @param raw the port is for raw TCP */
  constructor(
    private readonly context: RuleContext,
    raw: boolean,
  ) {
    this.rules = raw ? RULES.filter(({ tcp }) => tcp === true) : RULES;
  }

  /** @returns handlers of the rules that the policy sets, the outermost first */
  handlers(policy: Policy): ExchangeHandler[] {
    if (this.last?.policy === policy) return this.last.handlers;
    const handlers = this.rules.flatMap((rule) => {
      const text = JSON.stringify(rule.reads.map((group) => policy[group]));
      let made = this.made.get(rule);
      if (made?.text !== text) {
        made = { text, handler: rule.make(policy, this.context) };
        this.made.set(rule, made);
      }
      return made.handler === undefined ? [] : [made.handler];
    });
    this.last = { policy, handlers };
    return handlers;
  }
}
