import { BerthError } from '@berth/errors';
import {
  answer,
  type Dispatch,
  type DispatchSink,
  type ExchangeFailure,
  ExchangeKind,
  type FlatHeaders,
  type InterimHead,
  LastingExchange,
  type OpenedExchange,
  ResetCode,
  type ResponseHead,
} from '@berth/exchange';
import type { CancelReason } from '@berth/policy-agents';
import type { Case } from './case.js';
import type { Instead } from './instead.js';
import { RequestSide, type RequestOwner } from './request-side.js';
import { ResponseSide, type ResponseOwner } from './response-side.js';
import { UnopenedExchange } from './unopened-exchange.js';
import { beginFrames } from './web-socket/begin-frames.js';

const BROKEN_OFF = 'a policy agent has broken it off';

/**
 * One exchange under the eyes of policy agents. Heads wait for their answers;
 * bodies that an agent wants to see go through a lane of their own, and all
 * others straight through.
 */
export class InspectedExchange extends LastingExchange implements RequestOwner, ResponseOwner {
  private readonly requestSide: RequestSide;
  private readonly responseSide: ResponseSide;
  private dispatch!: Dispatch;
  /** there is an exchange at the service's side */
  private isReal = false;
  private whenReal: (() => void) | undefined;
  /** answered in place of the service, or failed: nothing of either side counts any more */
  private isDone = false;
  /** the answer has gone to its end */
  private hasEnded = false;
  /** the client's half has */
  private hasSentEnd = false;
  private cut: CancelReason | undefined;
  private error: string | undefined;
  private readonly beganAt = performance.now();

  /** @param number of the exchange, for its name before it has one */
  constructor(
    sink: DispatchSink,
    private readonly it: Case,
    private readonly carrier: { readonly id: string },
    private readonly number: number,
  ) {
    super(sink);
    this.requestSide = new RequestSide(it, this);
    this.responseSide = new ResponseSide(it, this);
  }

  /** Never rejects. */
  async begin(next: Dispatch): Promise<void> {
    this.dispatch = next;
    this.sink.waiting(this);
    try {
      const instead = await this.requestSide.judgeHead();
      if (this.isGone) return;
      if (instead === undefined) this.requestSide.begin();
      else this.answer(instead);
    } catch (thrown) {
      this.fail(BerthError.from(thrown));
    }
  }

  // --- what comes of the service ---------------------------------------------------

  override opened(exchange: OpenedExchange): void {
    this.isReal = true;
    super.opened(exchange);
    this.whenReal?.();
  }

  override informational(head: InterimHead): void {
    if (head.status !== 100 || !this.requestSide.hasContinued) this.sink.informational(head);
  }

  /** What others answer before there is an exchange is Berth's own. */
  override head(head: ResponseHead): void {
    if (this.isReal) this.responseSide.pushHead(head);
    else this.sendHead(head);
  }

  override data(bytes: Buffer): void {
    this.responseSide.push(bytes);
  }

  override end(trailers: FlatHeaders | undefined): void {
    this.responseSide.pushEnd(trailers);
  }

  override writable(): void {
    this.requestSide.writable();
  }

  override failed(failure: ExchangeFailure): void {
    if (this.isDone) return;
    this.stop();
    this.cut = 'upstreamError';
    this.it.panel.cancel(this.cut);
    super.failed(failure);
  }

  // --- what comes of the client ------------------------------------------------------

  override get closed(): boolean {
    return this.isDone || this.next.closed;
  }

  override get pendingBytes(): number {
    return this.next.pendingBytes + (this.requestSide.lane?.bytes ?? 0);
  }

  override sendData(bytes: Buffer): boolean {
    return this.isDone || this.requestSide.push(bytes);
  }

  override sendEnd(trailers?: FlatHeaders): void {
    if (!this.isDone) this.requestSide.pushEnd(trailers);
  }

  override consumed(bytes: number): void {
    if (!this.isDone) this.responseSide.consumed(bytes);
  }

  override reset(code: ResetCode, message?: string): void {
    if (!this.hasEnded) this.cut ??= reasonOf(code);
    this.dropLanes();
    if (this.cut !== undefined) this.it.panel.cancel(this.cut);
    this.next.reset(code, message);
    if (this.isOver) this.conclude();
  }

  protected override over(): void {
    this.responseSide.drop();
    // Of a pipe, what its client sent last still goes on its way.
    const isSending = this.it.isWebSocket && this.hasEnded && !this.hasSentEnd && !this.closed;
    if (!isSending) this.conclude();
  }

  /** Idempotent. */
  private conclude(): void {
    const { it, requestSide, responseSide } = this;
    requestSide.lane?.drop();
    if (!this.hasEnded) {
      it.panel.cancel(this.cut ?? 'clientDisconnect');
      return;
    }
    it.panel.end({
      kind: 'requestComplete',
      correlationId: it.correlationId,
      status: responseSide.status,
      durationMs: Math.round(performance.now() - this.beganAt),
      bytesReceived: requestSide.received,
      bytesSent: responseSide.sent,
      upstream: it.context.key,
      error: this.error,
    });
  }

  // --- for both sides ------------------------------------------------------------------

  get isGone(): boolean {
    return this.isDone || this.isOver || this.cut !== undefined;
  }

  sendOn(bytes: Buffer): boolean {
    return this.next.sendData(bytes);
  }

  endOn(trailers: FlatHeaders | undefined): void {
    this.hasSentEnd = true;
    this.next.sendEnd(trailers);
    if (this.isOver) this.conclude();
  }

  openEarly(asks: boolean): void {
    super.opened(new UnopenedExchange(this.it.request.openHead, this.carrier, this.number));
    if (asks) this.sink.informational({ status: 100, headers: [] });
  }

  openNext(headers: FlatHeaders): Promise<void> {
    const { clientAddress, except, openHead, protocol, replicaId } = this.it.request;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.whenReal = () => {
      resolve(undefined);
    };
    this.dispatch({ clientAddress, except, openHead: { ...openHead, headers }, protocol, replicaId }, this);
    return promise;
  }

  resume(): void {
    this.sink.writable();
  }

  sendHead(head: ResponseHead): void {
    this.sink.head(head);
  }

  answerOn(bytes: Buffer): void {
    this.sink.data(bytes);
  }

  endAnswer(trailers: FlatHeaders | undefined): void {
    this.hasEnded = true;
    super.end(trailers);
  }

  grant(bytes: number): void {
    this.next.consumed(bytes);
  }

  beginFrames(): void {
    beginFrames(this.it, this.requestSide, this.responseSide);
  }

  answer(instead: Instead): void {
    if (this.isGone) return;
    if (this.responseSide.hasBegun) {
      this.breakOff(new BerthError('BERTH_FORBIDDEN', BROKEN_OFF), 'blockedByAgent');
      return;
    }
    this.stop();
    const { method, kind } = this.it.request.openHead;
    this.hasEnded = true;
    this.responseSide.status = instead.status;
    this.responseSide.sent = instead.body?.length ?? 0;
    answer(this.sink, instead.status, instead.fields, instead.body, method === 'HEAD' && kind === ExchangeKind.http);
    if (this.hasOpened) this.requestSide.drain();
    else this.finish();
  }

  fail(error: BerthError): void {
    if (!this.isGone) this.breakOff(error, 'manual');
  }

  // ---------------------------------------------------------------------------------------

  private breakOff(error: BerthError, reason: CancelReason): void {
    const code = this.isReal ? ResetCode.cancelled : ResetCode.refused;
    this.cut = reason;
    this.stop();
    this.it.panel.cancel(reason);
    super.failed({ code, message: error.message, error });
  }

  /** Ends what there is at the service's side. */
  private stop(): void {
    this.isDone = true;
    this.dropLanes();
    if (this.hasOpened && !this.next.closed) this.next.reset(ResetCode.cancelled, BROKEN_OFF);
  }

  private dropLanes(): void {
    this.requestSide.lane?.drop();
    this.responseSide.drop();
  }
}

function reasonOf(code: ResetCode): CancelReason {
  if (code === ResetCode.cancelled) return 'clientDisconnect';
  return code === ResetCode.timeout ? 'timeout' : 'upstreamError';
}
