import { RetryBudget } from '@berth/agent-pool';
import {
  type Dispatch,
  type DispatchSink,
  type ExchangeFailure,
  type ExchangeHandler,
  type ExchangeRequest,
  type OpenedExchange,
  ResetCode,
  SinkDecorator,
} from '@berth/exchange';
import { isIdempotent } from '@berth/http-rules';
import type { ExchangeContext } from '../exchange-context.js';
import { mayHaveReached } from '../reached.js';

/**
 * Tries a request once more on another connection, if nothing of it can have
 * reached the local service or doing it twice does no harm, and nothing of an
 * answer has come. Requests with a body and others that must not be repeated
 * pass untouched. Of all requests to the agent a part may be tried once more, no
 * matter how many fail.
 */
export function retry(context: ExchangeContext): ExchangeHandler | undefined {
  const { percent, minimum: atLeast, windowMs } = context.options.retry;
  if (percent === 0 && atLeast === 0) return undefined;
  const budget = new RetryBudget({ share: percent / 100, atLeast, windowMs }, () => performance.now());
  return (next) => (request, sink) => {
    budget.requested();
    const { body, method } = request.openHead;
    next(request, body || !isIdempotent(method) ? sink : new TryOnceMore(sink, next, request, context, budget));
  };
}

class TryOnceMore extends SinkDecorator {
  private exchange: OpenedExchange | undefined;
  /** of the first try */
  private first: ExchangeFailure | undefined;
  /** the second one is under way */
  private again = false;

  constructor(
    sink: DispatchSink,
    private readonly next: Dispatch,
    private readonly request: ExchangeRequest,
    private readonly context: ExchangeContext,
    private readonly budget: RetryBudget,
  ) {
    super(sink);
  }

  override opened(exchange: OpenedExchange): void {
    this.exchange = exchange;
    this.again = this.first !== undefined;
    this.sink.opened(exchange);
  }

  override failed(failure: ExchangeFailure): void {
    const { exchange, first } = this;
    if (first !== undefined) {
      // A second try that is not to be had: what the first one met is the answer.
      this.sink.failed(this.again ? ofSecondTry(failure, first) : first);
      return;
    }
    if (exchange === undefined || !mayTryAgain(failure, exchange) || !this.isAffordable()) {
      this.sink.failed(failure);
      return;
    }
    this.first = failure;
    const { service, log } = this.context;
    service.stats.retries += 1;
    const { connection, id } = exchange;
    log.debug({ connectionId: connection.id, exchange: id, reason: failure.message }, 'an exchange is tried once more');
    const { openHead, clientAddress } = this.request;
    this.next({ openHead, clientAddress, except: connection }, this);
  }

  private isAffordable(): boolean {
    if (this.budget.take()) return true;
    const { service, limitedLog } = this.context;
    service.stats.retriesRefused += 1;
    limitedLog.warn({ agentId: service.id }, 'requests are not tried once more: too many are (ingress.retry)');
    return false;
  }
}

function ofSecondTry(failure: ExchangeFailure, first: ExchangeFailure): ExchangeFailure {
  return mayHaveReached(failure) || !mayHaveReached(first) ? failure : { ...failure, mayHaveReached: true };
}

function mayTryAgain({ code }: ExchangeFailure, { headReceived, informationalCount }: OpenedExchange): boolean {
  return (code === 'connection-lost' || code === ResetCode.refused) && !headReceived && informationalCount === 0;
}
