import { constants, type ServerHttp2Stream } from 'node:http2';
import type { BerthError } from '@berth/errors';
import { type BytePipe, type PeerSocket, ExchangeKind, type OpenHead } from '@berth/exchange';
import { headerValue } from '@berth/http-rules';
import { ExchangeRelay } from '../http/exchange-relay.js';
import type { IngressContext } from '../http/ingress-context.js';
import type { Reached } from '../reached.js';
import { isGrpc, sendHttp2Error } from './error-answer.js';
import { resetOnceSent } from './reset-once-sent.js';
import type { BodyTraffic } from './traffic-count.js';

/** {@link ExchangeRelay} for HTTP/2: one stream, whatever it carries. */
export abstract class StreamRelay extends ExchangeRelay {
  /** the stream was reset from here */
  brokenOff = false;
  /** bytes both ways, once a WebSocket was accepted */
  protected pipe: BytePipe | undefined;

  /**
   * @param clientAddress as the gateway sees it
   * @param traffic of its connection
   */
  constructor(
    context: IngressContext,
    protected readonly stream: ServerHttp2Stream,
    openHead: OpenHead,
    readonly clientAddress: string,
    protected readonly traffic: BodyTraffic,
  ) {
    super(context, openHead);
  }

  get peer(): PeerSocket | undefined {
    return this.stream.session?.socket;
  }

  get protocol(): string {
    return 'HTTP/2.0';
  }

  /** The stream is gone, with its answer or without. */
  abstract streamClosed(): void;

  /** Nobody takes what is left of the request. */
  protected dropBody(): void {
    // A pipe that has not begun has none.
  }

  protected answerError(error: BerthError, reached: Reached = this.exchange === undefined ? 'no' : 'maybe'): void {
    const { clientAddress, context, openHead, pipe, requestId, stream } = this;
    if (stream.closed || stream.destroyed) return;
    const request = { method: openHead.method, url: openHead.target, socket: { remoteAddress: clientAddress } };
    if (stream.headersSent) {
      if (pipe === undefined) context.answerLog.brokenOff(error, requestId, request);
      else context.answerLog.pipeBrokenOff(error, requestId, request);
      this.brokenOff = true;
      // What a reset of TCP is in a WebSocket over HTTP/2: RFC 8441 section 5.
      stream.close(pipe === undefined ? constants.NGHTTP2_INTERNAL_ERROR : constants.NGHTTP2_CANCEL);
      return;
    }
    this.dropBody();
    const grpc = openHead.kind === ExchangeKind.http && isGrpc(headerValue(openHead.headers, 'content-type'));
    const asked = { grpc, accept: headerValue(openHead.headers, 'accept'), target: openHead.target };
    sendHttp2Error(stream, error, requestId, this.errorHead(error, reached), asked);
    resetOnceSent(stream);
    context.answerLog.errorAnswer(error, requestId, request);
  }
}
