import {
  type Dispatch,
  type DispatchSink,
  type ExchangeFailure,
  ExchangeKind,
  type ExchangeRequest,
  type InterimHead,
  type OpenedExchange,
  type OpenHead,
  type ResponseHead,
  type Waiting,
} from '../src/index.js';
import { FakeExchange } from './fake-exchange.js';

/** A request as a client might send it. */
export function fakeRequest(over: Partial<OpenHead> = {}): ExchangeRequest {
  const open = { kind: ExchangeKind.http, method: 'GET', target: '/', headers: ['Host', 'a'], body: false, ...over };
  return { openHead: open, clientAddress: '192.0.2.1' };
}

/** Stands for the pool: opens a {@link FakeExchange} for each request, or fails as it is told. */
export class FakePool {
  readonly requests: ExchangeRequest[] = [];
  readonly exchanges: FakeExchange[] = [];
  failure: ExchangeFailure | undefined;

  readonly dispatch: Dispatch = (request, sink) => {
    this.requests.push(request);
    if (this.failure !== undefined) {
      sink.failed(this.failure);
      return;
    }
    const id = this.exchanges.length + 1;
    const exchange = new FakeExchange(request.openHead, sink, id, { id: `c${id}` });
    this.exchanges.push(exchange);
    sink.opened(exchange);
  };

  /** The exchange opened last. */
  get last(): FakeExchange {
    return this.exchanges.at(-1) as FakeExchange;
  }
}

/** Stands for the client: writes down what it is told. */
export class FakeClient implements DispatchSink {
  readonly calls: string[] = [];
  readonly failures: ExchangeFailure[] = [];
  exchange!: OpenedExchange;
  wait: Waiting | undefined;
  /** whether it takes bytes as they come */
  takes = true;

  opened(exchange: OpenedExchange): void {
    this.calls.push('opened');
    this.exchange = exchange;
  }

  waiting(wait: Waiting): void {
    this.wait = wait;
  }

  informational({ status }: InterimHead): void {
    this.calls.push(`informational ${status}`);
  }

  head({ status, headers }: ResponseHead): void {
    this.calls.push(['head', status, ...headers].join(' '));
  }

  data(bytes: Buffer): void {
    this.calls.push(`data ${String(bytes)}`);
    if (this.takes) this.exchange.consumed(bytes.length);
  }

  end(): void {
    this.calls.push('end');
  }

  failed(failure: ExchangeFailure): void {
    this.calls.push(`failed ${failure.error?.code ?? failure.code}`);
    this.failures.push(failure);
  }

  writable(): void {
    this.calls.push('writable');
  }
}
