import { withHeaders } from '@berth/exchange';
import { changedHeaders, headerRules } from './header-rules.js';
import type { PortRule } from './port-rule.js';

/** Changes to the heads of requests. */
export const requestHeaders: PortRule = {
  reads: ['headers'],
  make({ headers: { request: rules } }) {
    const prepared = headerRules(rules);
    if (prepared === undefined) return undefined;
    return (next) => (request, sink) => {
      next(withHeaders(request, changedHeaders(request.openHead.headers, prepared)), sink);
    };
  },
};
