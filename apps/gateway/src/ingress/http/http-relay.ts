import type { IncomingMessage, ServerResponse } from 'node:http';
import { BerthError } from '@berth/errors';
import { FramingError } from '@berth/http-rules';
import {
  type Carrier,
  type ExchangeFailure,
  type FlatHeaders,
  type InterimHead,
  type OpenedExchange,
  type OpenHead,
  ResetCode,
  type ResponseHead,
  type ResponseSink,
} from '@berth/exchange';
import { type AnswerOwner, AnswerWriter } from './answer-writer.js';
import type { ClientConnection, PendingAnswer } from './client-connection.js';
import { ClientPace } from '../client-pace.js';
import { UNWATCHED, type Watched } from '../deadlines.js';
import { newRequestId, sendError } from './error-responses.js';
import { errorOfFailure, mayTryAgain, noAnswer, stoodStill, unusableAnswer, uploadTooSlow } from '../failures.js';
import type { IngressContext } from '../ingress-context.js';
import { expectsContinue, isEventStream, linger } from './http-messages.js';
import type { IngressRequest } from '../interceptor.js';
import { RequestUpload, type UploadOwner } from './request-upload.js';
import { ResponseGate } from '../response-gate.js';

const RELAY = Symbol('relay');
type RelayedResponse = ServerResponse & { [RELAY]?: HttpRelay };

/**
 * One request of a client, from its head to the last byte of its answer.
 * Lives until the response has closed; see the states in docs/data-path.md.
 */
export class HttpRelay implements ResponseSink, AnswerOwner, PendingAnswer, UploadOwner, Watched {
  deadlineAt = 0;
  watchIndex = UNWATCHED;
  private pace: ClientPace | undefined;
  private answerHeaders: FlatHeaders | undefined;
  exchange: OpenedExchange | undefined;
  private retried = false;
  private id: string | undefined;
  /** undefined: a request without a body */
  private readonly upload: RequestUpload | undefined;
  private ended = false;
  private readonly startedAt = performance.now();
  private readonly answer: AnswerWriter;
  /** holds frames back while interceptors look at the response head */
  private gate: ResponseGate | undefined;

  constructor(
    private readonly context: IngressContext,
    private readonly client: ClientConnection,
    private readonly request: IncomingMessage,
    private readonly response: RelayedResponse,
    private readonly open: OpenHead,
    /** the request as interceptors saw it; undefined when there are none */
    private readonly seenBy: IngressRequest | undefined,
  ) {
    this.upload = open.body ? new RequestUpload(context, request, this) : undefined;
    this.answer = new AnswerWriter(response, open.method, this);
  }

  /** Sends the request to the agent. */
  begin(): void {
    const { response, context } = this;
    this.client.current = this;
    response[RELAY] = this;
    response.on('close', onResponseClose);
    context.agent.stats.requests += 1;
    context.deadlines.watch(this, this.timeoutMs);
    if (this.openExchange()) this.upload?.begin();
  }

  /** Made when it is first asked for: from then on the answer is about this try. */
  get requestId(): string {
    return (this.id ??= newRequestId(this.exchange));
  }

  /** The head of an answer is out, or nobody is there to take one. */
  get answered(): boolean {
    return this.response.headersSent || this.response.destroyed;
  }

  // --- frames of the agent ---------------------------------------------------

  informational(head: InterimHead): void {
    // It says that the service is at work, also to a client that cannot be told.
    this.touch();
    if (head.status === 100 && this.upload !== undefined) this.upload.continued = true;
    this.answer.informational(head);
  }

  head(head: ResponseHead): void {
    const { seenBy } = this;
    if (seenBy === undefined) {
      this.sendHead(head);
      return;
    }
    this.gate = new ResponseGate(this, () => (this.gate = undefined));
    void this.gate.pass(this.context.interceptors, seenBy, head);
  }

  /** An interceptor threw: its error is the answer. */
  rejectResponse(error: BerthError): void {
    this.exchange?.reset(ResetCode.cancelled, 'an interceptor refused the response');
    this.answerError(error);
  }

  /** @returns false when the head cannot be sent; an error is the answer then */
  sendHead(head: ResponseHead): boolean {
    // Service and client talk both ways from here, or the rest of the body is wanted by nobody.
    this.pace?.end();
    this.answerHeaders = head.headers;
    this.touch();
    const { upload } = this;
    if (upload?.ended === false && !upload.continued && expectsContinue(this.open.headers)) this.lastAnswer();
    if (!this.answer.head(head)) return false;
    const { stats } = this.context.agent;
    stats.answered(head.status);
    stats.firstByte.observe((performance.now() - this.startedAt) / 1000);
    return true;
  }

  data(bytes: Buffer): void {
    if (this.gate !== undefined) {
      this.gate.data(bytes);
      return;
    }
    this.touch();
    this.context.agent.stats.bytesOut += bytes.length;
    this.answer.data(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    if (this.gate !== undefined) this.gate.end(trailers);
    else this.answer.end(trailers);
  }

  failed(failure: ExchangeFailure): void {
    const error = errorOfFailure(this.context.agent.id, failure);
    if (!this.retried && !this.ended && !this.answered && mayTryAgain(failure, this.exchange)) {
      this.retried = true;
      const { exchange, context } = this;
      const { message: reason } = failure;
      context.log.debug(
        { connectionId: exchange?.connection.id, exchange: exchange?.id, reason },
        'an exchange is tried once more',
      );
      this.openExchange(exchange?.connection, error);
      return;
    }
    this.answerError(error);
  }

  writable(): void {
    this.touch();
    this.request.resume();
  }

  progressed(): void {
    this.touch();
  }

  // --- what the client does --------------------------------------------------

  received(bytes: number, first: boolean): void {
    if (first && !this.answered) this.startPace();
    this.context.agent.stats.bytesIn += bytes;
    this.pace?.count(bytes);
    this.touch();
  }

  held(): void {
    this.pace?.excuse();
  }

  complete(): void {
    if (!this.answered) this.pace?.end();
    this.touch();
  }

  refused(error: BerthError): void {
    this.exchange?.reset(ResetCode.cancelled, error.message);
    if (!this.answered) this.lastAnswer();
    this.answerError(error);
  }

  // --- what becomes of the answer --------------------------------------------

  taken(bytes: number): void {
    this.pace?.count(bytes);
    this.touch();
    this.exchange?.consumed(bytes);
  }

  fellBehind(): void {
    const { answerHeaders } = this;
    if (answerHeaders === undefined || !isEventStream(answerHeaders)) this.startPace();
  }

  caughtUp(): void {
    this.pace?.end();
  }

  contradicted(what: string): void {
    this.exchange?.reset(ResetCode.internal, what);
    this.context.agent.stats.errors += 1;
    this.cutOff(unusableAnswer(this.context.agent.id, what));
  }

  unsendable(thrown: unknown): void {
    this.exchange?.reset(ResetCode.internal, 'the response cannot be relayed');
    const why = thrown instanceof FramingError ? thrown.message : 'its head is not valid HTTP';
    this.answerError(unusableAnswer(this.context.agent.id, why));
  }

  /** The response has left, or its connection is gone. */
  responseClosed(): void {
    if (this.ended) return;
    this.ended = true;
    const { context, exchange, request, response } = this;
    context.deadlines.unwatch(this);
    context.agent.stats.latency.observe((performance.now() - this.startedAt) / 1000);
    if (exchange !== undefined) {
      exchange.reset(ResetCode.cancelled, 'the client left');
      exchange.discard();
    }
    if (response.writableFinished && !request.complete && !request.destroyed) {
      this.client.unread = request;
      linger(request);
    }
    this.client.answered();
  }

  clientGone(): void {
    this.request.socket.destroy();
  }

  requestBroken(error: BerthError): boolean {
    if (this.request.complete) return false;
    this.exchange?.reset(ResetCode.cancelled, 'the request body is not valid HTTP');
    this.answerError(error);
    return true;
  }

  expired(): void {
    const { response, context, exchange } = this;
    if (!this.answered && this.upload?.mayAwaitContinue(this.open.headers) === true) {
      context.deadlines.watch(this, this.timeoutMs);
      return;
    }
    exchange?.reset(ResetCode.timeout, 'deadline passed at the gateway');
    if (response.headersSent) {
      this.cutOff(stoodStill(context.options));
      return;
    }
    this.answerError(this.upload?.expired() ?? noAnswer(context.agent.id, context.options));
  }

  get paceAt(): number {
    return this.pace?.dueAt ?? Infinity;
  }

  paceDue(): void {
    const { context, exchange, pace } = this;
    const isAnswer = this.answered;
    if (!isAnswer && this.request.isPaused()) pace?.excuse();
    const bytes = pace?.tooFew(this.requestId, isAnswer ? 'answer' : 'upload');
    if (bytes === undefined) return;
    exchange?.reset(ResetCode.timeout, 'the client is slower than ingress.minRateBytesPerSecond');
    // After the head this breaks the connection off.
    this.answerError(uploadTooSlow(bytes, context.options));
  }

  /** Ends the request with an error answer, or with a visibly broken connection once the head is out. */
  answerError(error: BerthError): void {
    const { response, context } = this;
    context.agent.stats.errors += 1;
    if (response.headersSent || response.destroyed) {
      this.cutOff(error);
      return;
    }
    if (this.open.body && !this.request.complete) this.lastAnswer();
    context.agent.stats.answered(error.httpStatus);
    sendError(response, error, this.requestId, context.options.retryAfterSeconds);
    context.answerLog.answered(error, this.requestId, this.request);
  }

  // ---------------------------------------------------------------------------

  /** @param failure of the first try */
  private openExchange(except?: Carrier, failure?: BerthError): boolean {
    try {
      this.exchange = this.context.agent.connections.open(this.open, this, except);
      return true;
    } catch (thrown) {
      // A second try that is not to be had: what the first one met is the answer.
      this.answerError(BerthError.from(failure ?? thrown));
      return false;
    }
  }

  /** The connection ends with the answer: the rest of the request is in the way of the next one. */
  private lastAnswer(): void {
    this.response.shouldKeepAlive = false;
    this.client.lastAnswer();
    this.request.resume();
  }

  private cutOff(error: BerthError): void {
    if (!this.response.destroyed) this.context.answerLog.brokenOff(error, this.requestId, this.request);
    this.answer.breakOff();
  }

  /** Progress was made: the next deadline counts from here. */
  private touch(): void {
    this.deadlineAt = this.context.deadlines.now + this.timeoutMs;
  }

  private get timeoutMs(): number {
    const { options } = this.context;
    if (this.response.headersSent) return options.idleTimeoutMs;
    return this.upload?.timeoutMs ?? options.responseTimeoutMs;
  }

  private startPace(): void {
    this.pace ??= new ClientPace(this.context);
    this.pace.begin();
  }
}

/** Shared: closures would be allocations for each request. */
function onResponseClose(this: RelayedResponse): void {
  this[RELAY]?.responseClosed();
}
