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

/**
 * Tries a request once more on another connection, if nothing of it can have
 * reached the local service or doing it twice does no harm, and nothing of an
 * answer has come. Requests with a body and others that must not be repeated
 * pass untouched.
 */
export function retry(context: ExchangeContext): ExchangeHandler {
  return (next) => (request, sink) => {
    const { body, method } = request.openHead;
    next(request, body || !isIdempotent(method) ? sink : new TryOnceMore(sink, next, request, context));
  };
}

class TryOnceMore extends SinkDecorator {
  private exchange: OpenedExchange | undefined;
  /** of the first try, until the second one is under way */
  private first: ExchangeFailure | undefined;
  private retried = false;

  constructor(
    sink: DispatchSink,
    private readonly next: Dispatch,
    private readonly request: ExchangeRequest,
    private readonly context: ExchangeContext,
  ) {
    super(sink);
  }

  override opened(exchange: OpenedExchange): void {
    this.exchange = exchange;
    this.first = undefined;
    this.sink.opened(exchange);
  }

  override failed(failure: ExchangeFailure): void {
    const { exchange } = this;
    if (this.retried || exchange === undefined || !mayTryAgain(failure, exchange)) {
      // A second try that is not to be had: what the first one met is the answer.
      this.sink.failed(this.first ?? failure);
      return;
    }
    this.retried = true;
    this.first = failure;
    const { connection, id } = exchange;
    this.context.log.debug(
      { connectionId: connection.id, exchange: id, reason: failure.message },
      'an exchange is tried once more',
    );
    const { openHead, clientAddress } = this.request;
    this.next({ openHead, clientAddress, except: connection }, this);
  }
}

function mayTryAgain({ code }: ExchangeFailure, { headReceived, informationalCount }: OpenedExchange): boolean {
  return (code === 'connection-lost' || code === ResetCode.refused) && !headReceived && informationalCount === 0;
}
