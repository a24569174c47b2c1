import type { ServerHttp2Stream } from 'node:http2';
import type { FlatHeaders, InterimHead, OpenedExchange, OpenHead, ResponseHead } from '@berth/exchange';
import type { IngressContext } from '../http/ingress-context.js';
import { Http2AnswerWriter } from './answer-writer.js';
import { Http2Upload } from './request-upload.js';
import { StreamRelay } from './stream-relay.js';
import type { BodyTraffic } from './traffic-count.js';

/** One request on one stream, from its head to the last byte of its answer. */
export class Http2Relay extends StreamRelay {
  private readonly upload: Http2Upload | undefined;
  private readonly answer: Http2AnswerWriter;
  private ended = false;

  /** as {@link StreamRelay} has them */
  constructor(
    context: IngressContext,
    stream: ServerHttp2Stream,
    openHead: OpenHead,
    clientAddress: string,
    traffic: BodyTraffic,
  ) {
    super(context, stream, openHead, clientAddress, traffic);
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

  streamClosed(): void {
    if (this.ended) return;
    this.ended = true;
    this.leave();
  }

  protected override dropBody(): void {
    this.upload?.drop();
  }
}
