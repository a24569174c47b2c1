import { poolDispatch } from '@berth/agent-pool';
import { composeHandlers, type Dispatch, type ExchangeHandler } from '@berth/exchange';
import type { ExchangeContext } from '../exchange-context.js';
import { type ExchangeRule, HANDLER_ORDER } from '../exchange-handlers.js';
import type { IngressInterceptor } from '../interceptor.js';
import type { Marked } from '../marked-providers.js';
import { affinity } from './affinity.js';
import { bodyLimit } from './body-limit.js';
import { interceptors } from './interceptors.js';
import { retry } from './retry.js';
import { statistics } from './statistics.js';
import { timeLimits } from './time-limits.js';

/**
 * How exchanges of one local service are opened: its pool, and the handlers around it.
 *
 * @param intercepting may be empty, and costs nothing then
 * @param rules of other rooms and of the application
 * @param policy handlers that the policy of the port asks for, the outermost first
 * @param watching see all that the others do; undefined ones are switched off
 */
export function exchangeChain(
  context: ExchangeContext,
  intercepting: readonly IngressInterceptor[],
  rules: readonly Marked<ExchangeRule>[],
  policy: readonly ExchangeHandler[],
  watching: readonly (ExchangeHandler | undefined)[] = [],
): Dispatch {
  const { service } = context;
  const chosen = { id: service.id, service: service.name, metadata: service.metadata };
  const placed: { order: number; handler: ExchangeHandler | undefined }[] = [
    ...watching.map((handler) => ({ order: HANDLER_ORDER.watching, handler })),
    { order: HANDLER_ORDER.statistics, handler: statistics(service) },
    { order: HANDLER_ORDER.timeLimits, handler: timeLimits(context) },
    ...policy.map((handler) => ({ order: HANDLER_ORDER.policy, handler })),
    { order: HANDLER_ORDER.interceptors, handler: interceptors(context, intercepting) },
    { order: HANDLER_ORDER.bodyLimit, handler: bodyLimit(context.options.maxBodyBytes) },
    { order: HANDLER_ORDER.affinity, handler: affinity(context) },
    { order: HANDLER_ORDER.retry, handler: retry(context) },
    ...rules.map(({ instance, order }) => ({ order, handler: instance.handlerFor(chosen) })),
  ];
  const handlers = placed.sort((a, b) => a.order - b.order).map(({ handler }) => handler);
  return composeHandlers(
    handlers.filter((handler) => handler !== undefined),
    poolDispatch(service.connections, service.admission),
  );
}

/** Of a port that does not listen yet: it has no policy. */
export const closedPort: Dispatch = () => {
  throw new Error('a port was asked before it listens');
};
