import type { BerthError } from '@berth/errors';
import {
  type DispatchSink,
  ExchangeDecorator,
  type ExchangeHandler,
  ExchangeKind,
  type FlatHeaders,
  type InterimHead,
  type OpenedExchange,
  type OpenHead,
  requestIdOf,
  ResetCode,
  type ResponseHead,
} from '@berth/exchange';
import { expectsContinue, isEventStream } from '@berth/http-rules';
import type { ExchangeContext } from '../exchange-context.js';
import {
  bodyNotBegun,
  noAnswer,
  noAnswerToUpgrade,
  stoodStill,
  uploadStopped,
  uploadStuck,
  uploadTooSlow,
} from '../failures.js';
import { ClientPace } from './client-pace.js';
import { UNWATCHED, type Watched } from './deadlines.js';

/**
 * Ends exchanges that make no progress, or whose client is slower than it may
 * be: `ingress.responseTimeoutMs`, `bodyStartTimeoutMs`, `idleTimeoutMs` and
 * `minRateBytesPerSecond`; raw TCP has `tcpIdleTimeoutMs` alone. All is judged
 * by what passes in both directions; time counts from when the exchange is
 * opened until its client has left it.
 */
export function timeLimits(context: ExchangeContext): ExchangeHandler {
  return (next) => (request, sink) => {
    next(request, new TimedExchange(sink, context, request.openHead));
  };
}

class TimedExchange extends ExchangeDecorator implements Watched {
  deadlineAt = 0;
  watchIndex = UNWATCHED;
  /** undefined where there has been nothing to measure */
  private pace: ClientPace | undefined;
  private answerHeaders: FlatHeaders | undefined;
  /** the answer has begun, or bytes pass both ways from the start */
  private answering: boolean;
  /** the client owes no body, or all of it has passed */
  private uploaded: boolean;
  private begun = false;
  /** the agent has no room for more of the body */
  private stalled = false;
  /** the local service has asked for the body */
  private continued = false;
  /** the service has yet to ask for the body, and the client waits for that */
  private awaitsContinue = false;
  /** bytes of the answer that the client has not taken */
  private untaken = 0;
  private behind = false;
  private discarded = false;

  constructor(
    sink: DispatchSink,
    private readonly context: ExchangeContext,
    private readonly request: OpenHead,
  ) {
    super(sink);
    this.answering = request.kind === ExchangeKind.tcp;
    this.uploaded = request.kind !== ExchangeKind.http || !request.body;
  }

  override opened(exchange: OpenedExchange): void {
    if (this.watchIndex === UNWATCHED && this.timeoutMs < Infinity) this.context.deadlines.watch(this, this.timeoutMs);
    super.opened(exchange);
  }

  // --- what comes of the agent -------------------------------------------------

  override informational(head: InterimHead): void {
    if (head.status === 100) this.continued = true;
    // It says that the service is at work, also to a client that cannot be told.
    this.touch();
    this.sink.informational(head);
  }

  override head(head: ResponseHead): void {
    // Service and client talk both ways from here, or the rest of the body is wanted by nobody.
    this.pace?.end();
    this.answering = true;
    this.answerHeaders = head.headers;
    this.touch();
    this.sink.head(head);
  }

  override data(bytes: Buffer): void {
    this.touch();
    this.untaken += bytes.length;
    this.sink.data(bytes);
    if (this.untaken === 0 || this.behind) return;
    this.behind = true;
    if (this.answerHeaders === undefined || !isEventStream(this.answerHeaders)) this.startPace();
  }

  override writable(): void {
    this.stalled = false;
    this.touch();
    this.sink.writable();
  }

  override progressed(): void {
    this.touch();
    super.progressed();
  }

  // --- what the client does ----------------------------------------------------

  override sendData(bytes: Buffer): boolean {
    if (!this.begun) {
      this.begun = true;
      if (!this.answering) this.startPace();
    }
    this.pace?.count(bytes.length);
    this.touch();
    const hasRoom = this.next.sendData(bytes);
    if (!hasRoom) {
      this.stalled = true;
      this.pace?.excuse();
    }
    return hasRoom;
  }

  override sendEnd(trailers?: FlatHeaders): void {
    this.uploaded = true;
    if (!this.answering) this.pace?.end();
    this.touch();
    this.next.sendEnd(trailers);
  }

  override consumed(bytes: number): void {
    this.untaken -= bytes;
    this.pace?.count(bytes);
    this.touch();
    this.next.consumed(bytes);
    if (!this.behind || this.untaken > 0) return;
    this.behind = false;
    this.pace?.end();
  }

  override reset(code: ResetCode, message?: string): void {
    this.next.reset(code, message);
    if (this.discarded) this.context.deadlines.unwatch(this);
  }

  override discard(): void {
    this.discarded = true;
    const { next, request } = this;
    next.discard();
    // Both halves of a pipe may have ended in order: what its client sent last still has to arrive in time.
    const arrives = request.kind !== ExchangeKind.http && !next.closed && !next.sendEnded;
    if (!arrives) this.context.deadlines.unwatch(this);
    else if (this.watchIndex === UNWATCHED) this.context.deadlines.watch(this, this.timeoutMs);
  }

  // --- what is due ---------------------------------------------------------------

  expired(): void {
    if (!this.answering && this.mayAwaitContinue()) {
      this.awaitsContinue = true;
      this.context.deadlines.watch(this, this.timeoutMs);
      return;
    }
    const error = this.lateness();
    this.next.reset(ResetCode.timeout, 'deadline passed at the gateway');
    this.tell(error);
  }

  get paceAt(): number {
    return this.pace?.dueAt ?? Infinity;
  }

  paceDue(): void {
    const { answering, context, next, pace } = this;
    const requestId = requestIdOf(next.connection.id, next.id);
    const bytes = pace?.tooFew(requestId, answering ? 'answer' : 'upload', !answering && this.stalled);
    if (bytes === undefined) return;
    pace?.end();
    next.reset(ResetCode.timeout, 'the client is slower than ingress.minRateBytesPerSecond');
    this.tell(uploadTooSlow(bytes, context.options));
  }

  // -------------------------------------------------------------------------------

  private tell(error: BerthError): void {
    if (!this.discarded) this.sink.failed({ code: ResetCode.timeout, message: error.message, error });
  }

  /** Whose fault it is that the time is up. */
  private lateness(): BerthError {
    const { service, options } = this.context;
    if (this.answering) return stoodStill(this.timeoutMs, this.request.kind === ExchangeKind.tcp);
    if (this.request.kind === ExchangeKind.upgrade) return noAnswerToUpgrade(service.id, options);
    if (this.uploaded || this.waitsForContinue) return noAnswer(service.id, options);
    if (this.stalled) return uploadStuck(service.id, options);
    return this.begun ? uploadStopped(options) : bodyNotBegun(options);
  }

  /** Whether the body has not begun because its client waits for the service's 100: it gets the time of an answer. */
  private mayAwaitContinue(): boolean {
    if (this.awaitsContinue || this.continued || this.uploaded || this.begun) return false;
    return expectsContinue(this.request.headers);
  }

  private get waitsForContinue(): boolean {
    return this.awaitsContinue && !this.continued && !this.begun;
  }

  /** The body must move within this time; or the answer must come within it, when it is the agent's turn. */
  private get timeoutMs(): number {
    const { options } = this.context;
    // What a client has left behind is nobody's long session any more.
    if (this.request.kind === ExchangeKind.tcp && !this.discarded) return options.tcpIdleTimeoutMs || Infinity;
    if (this.answering) return options.idleTimeoutMs;
    if (this.uploaded || this.waitsForContinue) return options.responseTimeoutMs;
    return this.begun ? options.idleTimeoutMs : options.bodyStartTimeoutMs;
  }

  /** Progress was made: the next deadline counts from here. */
  private touch(): void {
    this.deadlineAt = this.context.deadlines.now + this.timeoutMs;
  }

  /** Pipes are as slow as they like. */
  private startPace(): void {
    if (this.request.kind !== ExchangeKind.http) return;
    this.pace ??= new ClientPace(this.context);
    this.pace.begin();
  }
}
