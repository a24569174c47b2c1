import type { ServerHttp2Stream } from 'node:http2';
import type { BerthError } from '@berth/errors';
import type { FlatHeaders, InterimHead, OpenedExchange, OpenHead, ResponseHead } from '@berth/exchange';
import { headerValue } from '@berth/http-rules';
import { ExchangeRelay } from '../http/exchange-relay.js';
import type { IngressContext } from '../http/ingress-context.js';
import type { Reached } from '../reached.js';
import { Http2AnswerWriter } from './answer-writer.js';
import { isGrpc, sendHttp2Error } from './error-answer.js';
import { Http2Upload } from './request-upload.js';
import { resetOnceSent } from './reset-once-sent.js';
import type { BodyTraffic } from './traffic-count.js';

/** One request on one stream, from its head to the last byte of its answer: {@link ExchangeRelay} for HTTP/2. */
export class Http2Relay extends ExchangeRelay {
  /** the stream was reset from here */
  brokenOff = false;
  private readonly upload: Http2Upload | undefined;
  private readonly answer: Http2AnswerWriter;
  private ended = false;

  /**
   * @param clientAddress as the gateway sees it
   * @param traffic of its connection
   */
  constructor(
    context: IngressContext,
    private readonly stream: ServerHttp2Stream,
    openHead: OpenHead,
    readonly clientAddress: string,
    private readonly traffic: BodyTraffic,
  ) {
    super(context, openHead);
    this.upload = openHead.body ? new Http2Upload(stream, traffic) : undefined;
    this.answer = new Http2AnswerWriter(stream, openHead.method, this);
  }

  override opened(exchange: OpenedExchange): void {
    // A second try has no body.
    const isFirst = this.exchange === undefined;
    super.opened(exchange);
    if (isFirst && !this.ended) this.upload?.begin(exchange);
  }

  informational(head: InterimHead): void {
    this.answer.informational(head);
  }

  head(head: ResponseHead): void {
    this.answer.head(head);
  }

  data(bytes: Buffer): void {
    this.traffic.sent(bytes.length);
    this.answer.data(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    this.answer.end(trailers);
  }

  writable(): void {
    this.stream.resume();
  }

  /** The stream is gone, with its answer or without. */
  streamClosed(): void {
    if (this.ended) return;
    this.ended = true;
    this.leave();
  }

  protected answerError(error: BerthError, reached: Reached = this.exchange === undefined ? 'no' : 'maybe'): void {
    const { clientAddress, context, openHead, requestId, stream } = this;
    if (stream.closed || stream.destroyed) return;
    const request = { method: openHead.method, url: openHead.target, socket: { remoteAddress: clientAddress } };
    if (stream.headersSent) {
      context.answerLog.brokenOff(error, requestId, request);
      this.brokenOff = true;
      this.answer.breakOff();
      return;
    }
    this.upload?.drop();
    const grpc = isGrpc(headerValue(openHead.headers, 'content-type'));
    sendHttp2Error(stream, error, requestId, reached, context.options.retryAfterSeconds, grpc);
    resetOnceSent(stream);
    context.answerLog.errorAnswer(error, requestId, request);
  }
}
