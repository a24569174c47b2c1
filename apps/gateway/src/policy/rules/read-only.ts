import { BerthError } from '@berth/errors';
import { ExchangeKind } from '@berth/exchange';
import { type PortRule, refuse } from './port-rule.js';

const METHODS = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];
const ALLOW = ['Allow', METHODS.join(', ')];

/** Requests that change nothing, by their method (RFC 9110 section 9.2.1: safe methods); a pipe may do anything. */
export const readOnly: PortRule = {
  reads: ['access'],
  make({ access }, { countRefusal }) {
    if (!access.readOnly) return undefined;
    return (next) => (request, sink) => {
      const { kind, method } = request.openHead;
      if (kind === ExchangeKind.http && METHODS.includes(method)) next(request, sink);
      else {
        countRefusal('access.readOnly');
        const what = kind === ExchangeKind.http ? method : 'an upgrade';
        refuse(
          sink,
          new BerthError('BERTH_METHOD_NOT_ALLOWED', `this port is read-only, and does not take ${what}`),
          ALLOW,
        );
      }
    };
  },
};
