import {
  type DispatchSink,
  type ExchangeFailure,
  type ExchangeHandler,
  ExchangeKind,
  type ExchangeRequest,
  type FlatHeaders,
  type OpenedExchange,
  type ResetCode,
  type ResponseHead,
} from '@berth/exchange';
import type { LocalService } from '../../agents/index.js';
import { CancellableExchange, type Reason } from './cancellation.js';
import { exchangeAnswered, exchangeEnded, exchangeOpened, publishEnd, publishOpened, publishStatus } from './events.js';

/**
 * Counts what every request of an agent's port comes to, and publishes it on
 * `diagnostics_channel` where somebody listens. Error answers are counted where
 * they are made: an answer may prove to be unusable after it has passed here.
 */
export function statistics(service: LocalService): ExchangeHandler {
  return (next) => (request, sink) => {
    next(request, new CountedExchange(sink, service, request));
  };
}

/** What is published of one exchange. */
export interface ExchangeFigures {
  /** body bytes, client to service */
  readonly bytesIn: number;
  /** body bytes, service to client */
  readonly bytesOut: number;
  readonly ms: number;
  readonly outcome: 'complete' | 'failed' | 'reset';
}

class CountedExchange extends CancellableExchange {
  bytesIn = 0;
  bytesOut = 0;
  outcome: ExchangeFigures['outcome'] = 'reset';
  private readonly startedAt = performance.now();
  private wasReset = false;

  constructor(
    sink: DispatchSink,
    local: LocalService,
    private readonly request: ExchangeRequest,
  ) {
    super(sink, local);
    const { stats } = local;
    stats.requests += 1;
    if (request.openHead.kind === ExchangeKind.upgrade) stats.upgrades += 1;
  }

  get ms(): number {
    return performance.now() - this.startedAt;
  }

  override opened(exchange: OpenedExchange): void {
    super.opened(exchange);
    if (exchangeOpened.hasSubscribers) publishOpened(this.local.id, exchange, this.request.clientAddress);
  }

  override head(head: ResponseHead): void {
    this.sink.head(head);
    // It could not be sent to the client.
    if (this.wasReset) return;
    const { stats } = this.local;
    stats.countAnswer(head.status);
    stats.firstByte.observe(this.ms / 1000);
    if (this.hasOpened && exchangeAnswered.hasSubscribers) publishStatus(this.local.id, this.next, head.status);
  }

  override data(bytes: Buffer): void {
    const { length } = bytes;
    this.bytesOut += length;
    this.local.stats.bytesOut += length;
    this.sink.data(bytes);
  }

  override end(trailers: FlatHeaders | undefined): void {
    this.outcome = 'complete';
    super.end(trailers);
  }

  override failed(failure: ExchangeFailure): void {
    this.outcome = 'failed';
    super.failed(failure);
  }

  override sendData(bytes: Buffer): boolean {
    const { length } = bytes;
    this.bytesIn += length;
    this.local.stats.bytesIn += length;
    return this.next.sendData(bytes);
  }

  override reset(code: ResetCode, message?: string): void {
    this.wasReset = true;
    super.reset(code, message);
  }

  protected override cutOff(reason: Reason): void {
    this.local.stats.cancelled[reason] += 1;
  }

  protected override over(): void {
    if (this.request.openHead.kind === ExchangeKind.http) this.local.stats.latency.observe(this.ms / 1000);
    if (this.hasOpened && exchangeEnded.hasSubscribers) publishEnd(this.local.id, this.next, this);
  }
}
