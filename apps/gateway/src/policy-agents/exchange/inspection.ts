import { randomBytes } from 'node:crypto';
import { type ExchangeHandler, ExchangeKind } from '@berth/exchange';
import { Case } from './case.js';
import { InspectedExchange } from './inspected-exchange.js';
import { Member } from './member.js';
import type { InspectionContext, InspectionOptions } from './options.js';

/** Names exchanges towards policy agents, together with a number that no other exchange of this process has. */
const CARRIER = { id: `p${randomBytes(4).toString('hex')}` };
let exchanges = 0;

/**
 * Shows the exchanges of a port to policy agents, and does as they say.
 *
 * @returns undefined where there are none, at no cost
 */
export function inspection(options: InspectionOptions, context: InspectionContext): ExchangeHandler | undefined {
  const { inspectors } = options;
  if (inspectors.length === 0) return undefined;
  return (next) => (request, sink) => {
    const { openHead } = request;
    // Bytes of a pipe have no head to look at.
    const concerned = openHead.kind === ExchangeKind.tcp ? [] : inspectors.filter((one) => one.concerns(openHead));
    if (concerned.length === 0) {
      next(request, sink);
      return;
    }
    exchanges += 1;
    const number = exchanges;
    const correlationId = `${CARRIER.id}-${number}`;
    const members = concerned.map((one) => new Member(one.judge.begin(correlationId), one));
    const it = new Case(correlationId, request, members, options, context);
    void new InspectedExchange(sink, it, CARRIER, number).begin(next);
  };
}
