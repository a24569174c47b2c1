import {
  type BodySink,
  DEFAULT_SERVICE,
  type ExchangeFailure,
  ExchangeKind,
  type ExchangeKindName,
  exchangeKindName,
  type FailureReason,
  failureReasonOf,
  type FlatHeaders,
  IncomingDecorator,
  type IncomingExchange,
  NO_SINK,
  requestIdOf,
  ResetCode,
  type ResponseHead,
} from '@berth/exchange';

/** What became of one exchange. Texts are as they were sent (Latin-1, any character that HTTP allows). */
export interface AgentRequest {
  /** as clients and the gateway's log have it */
  id: string;
  /** name of the local service */
  service: string;
  kind: ExchangeKindName;
  /** empty on a port of raw TCP */
  method: string;
  /** the request's target, with its query; empty on a port of raw TCP */
  path: string;
  /** of the answer; undefined where none came, and on a port of raw TCP */
  status: number | undefined;
  /** from its arrival here until the local service had answered it to the end, ms */
  durationMs: number;
  /** body bytes, client to service */
  bytesIn: number;
  /** body bytes, service to client */
  bytesOut: number;
  /** the service has accepted an upgrade: what followed were raw bytes */
  upgraded: boolean;
  /** why it failed, `cancelled` when its client left; undefined when it ended in order */
  error: FailureReason | undefined;
  /** more about that, for people; may be empty */
  errorMessage: string;
}

/**
 * Begins an exchange whose end is to be told.
 *
 * @param connectionId of the connection that it came on
 * @param forward begins it
 * @param over told once, when it has ended
 * @returns who takes its frames
 */
export function watched(
  exchange: IncomingExchange,
  connectionId: string,
  forward: (exchange: IncomingExchange) => BodySink,
  over: (request: AgentRequest) => void,
): BodySink {
  const it = new WatchedExchange(exchange, connectionId, over);
  it.sink = forward(it);
  return it;
}

/** An exchange whose end is told. Stands between its connection and who forwards it, both ways. */
class WatchedExchange extends IncomingDecorator implements BodySink {
  private readonly beganAt = performance.now();
  private status: number | undefined;
  private bytesIn = 0;
  private bytesOut = 0;
  private hasSentEnd = false;
  private hasReceivedEnd: boolean;
  private isOver = false;
  private taker: BodySink = NO_SINK;

  constructor(
    inner: IncomingExchange,
    private readonly connectionId: string,
    private readonly over: (request: AgentRequest) => void,
  ) {
    super(inner);
    this.hasReceivedEnd = !inner.openHead.body;
  }

  override get sink(): BodySink {
    return this.taker;
  }

  override set sink(sink: BodySink) {
    this.taker = sink;
  }

  // --- what the local service answers ----------------------------------------

  override sendHead(head: ResponseHead): void {
    this.status = head.status;
    super.sendHead(head);
  }

  override sendData(bytes: Buffer): boolean {
    this.bytesOut += bytes.length;
    return super.sendData(bytes);
  }

  override sendEnd(trailers?: FlatHeaders): void {
    super.sendEnd(trailers);
    this.hasSentEnd = true;
    // Of a request whose answer is complete the rest is wanted by nobody.
    if (!this.pipe || this.hasReceivedEnd) this.finish();
  }

  override reset(code: ResetCode, message = ''): void {
    super.reset(code, message);
    this.finish(code, message);
  }

  // --- what the gateway sends ------------------------------------------------

  data(bytes: Buffer): void {
    this.bytesIn += bytes.length;
    this.taker.data(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    this.hasReceivedEnd = true;
    this.taker.end(trailers);
    if (this.hasSentEnd) this.finish();
  }

  failed(failure: ExchangeFailure): void {
    this.taker.failed(failure);
    this.finish(failure.code, failure.message);
  }

  writable(): void {
    this.taker.writable();
  }

  progressed(): void {
    this.taker.progressed?.();
  }

  private finish(code: ExchangeFailure['code'] = ResetCode.done, errorMessage = ''): void {
    if (this.isOver) return;
    this.isOver = true;
    const { kind, method, target, service = '' } = this.openHead;
    this.over({
      id: requestIdOf(this.connectionId, this.id),
      service: service === '' ? DEFAULT_SERVICE : service,
      kind: exchangeKindName(kind),
      method,
      path: target,
      status: this.status,
      durationMs: performance.now() - this.beganAt,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      upgraded: kind === ExchangeKind.upgrade && this.pipe,
      error: code === ResetCode.done ? undefined : failureReasonOf(code),
      errorMessage,
    });
  }
}
