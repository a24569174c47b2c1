import type { IncomingMessage, ServerResponse } from 'node:http';
import { BerthError } from '@berth/errors';
import { expectsContinue } from '@berth/http-rules';
import {
  type PeerSocket,
  type FlatHeaders,
  type InterimHead,
  type OpenedExchange,
  type OpenHead,
  ResetCode,
  type ResponseHead,
} from '@berth/exchange';
import { peerAddress } from '@berth/http-server-pool';
import type { Reached } from '../reached.js';
import { AnswerWriter } from './answer-writer.js';
import type { ClientConnection, PendingAnswer } from './client-connection.js';
import { sendError } from './error-responses.js';
import { ExchangeRelay } from './exchange-relay.js';
import type { IngressContext } from './ingress-context.js';
import { lingerUpload } from './linger.js';
import { refuse } from './refusal.js';
import { readRequestHead } from './request-head.js';
import { RequestUpload } from './request-upload.js';

const RELAY = Symbol('relay');
type RelayedResponse = ServerResponse & { [RELAY]?: HttpRelay };

/** Makes an exchange of a request, in its turn; or refuses it. */
export function relayRequest(
  context: IngressContext,
  client: ClientConnection,
  request: IncomingMessage,
  response: RelayedResponse,
): void {
  const obstacle = client.refusal ?? (request.complete ? undefined : client.broken);
  const head = obstacle ?? readRequestHead(request, false, context.options, context.service.openName);
  if (head instanceof BerthError) {
    refuse(context, request, response, head);
    return;
  }
  const relay = new HttpRelay(context, client, request, response, head);
  client.current = relay;
  response[RELAY] = relay;
  response.on('close', onResponseClose);
  context.dispatch(relay, relay);
}

/**
 * One request of a client, from its head to the last byte of its answer: HTTP on
 * one side, an exchange on the other. All rules about exchanges are in handlers/.
 * Lives until the response has closed; see the states in docs/data-path.md.
 */
class HttpRelay extends ExchangeRelay implements PendingAnswer {
  /** undefined: not begun, or a request without a body */
  private upload: RequestUpload | undefined;
  /** the local service has asked for the body */
  private continued = false;
  private ended = false;
  private readonly answer: AnswerWriter;

  constructor(
    context: IngressContext,
    private readonly client: ClientConnection,
    private readonly request: IncomingMessage,
    private readonly response: RelayedResponse,
    openHead: OpenHead,
  ) {
    super(context, openHead);
    this.answer = new AnswerWriter(response, openHead.method, this);
  }

  get peer(): PeerSocket {
    return this.request.socket;
  }

  get clientAddress(): string {
    return peerAddress(this.request.socket.remoteAddress);
  }

  get protocol(): string {
    return `HTTP/${this.request.httpVersion}`;
  }

  // --- what comes of the exchange ----------------------------------------------

  override opened(exchange: OpenedExchange): void {
    super.opened(exchange);
    // A second try has no body.
    if (this.openHead.body && !this.ended) this.upload ??= new RequestUpload(this.request, exchange);
  }

  informational(head: InterimHead): void {
    if (head.status === 100) this.continued = true;
    this.answer.informational(head);
  }

  head(head: ResponseHead): void {
    const { exchange, request, upload } = this;
    // Without an exchange nobody reads the rest of the request; without a 100 it may never come.
    const isLast =
      exchange === undefined
        ? !request.complete
        : upload?.ended === false && !this.continued && expectsContinue(this.openHead.headers);
    if (isLast) this.lastAnswer();
    this.answer.head(head);
  }

  data(bytes: Buffer): void {
    this.answer.data(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    this.answer.end(trailers);
  }

  writable(): void {
    this.request.resume();
  }

  // --- what becomes of the answer ----------------------------------------------

  /** The response has left, or its connection is gone. */
  responseClosed(): void {
    if (this.ended) return;
    this.ended = true;
    const { request, response } = this;
    this.leave();
    if (response.writableFinished && !request.complete && !request.destroyed) {
      this.client.unread = request;
      lingerUpload(request);
    }
    this.client.answered();
  }

  // --- what becomes of the client ----------------------------------------------

  clientGone(): void {
    this.request.socket.destroy();
  }

  requestBroken(error: BerthError): boolean {
    if (this.request.complete) return false;
    // Who is told that the wait is over asks why.
    this.error = error;
    this.wait?.cancel();
    this.exchange?.reset(ResetCode.cancelled, 'the request body is not valid HTTP');
    this.fail(error);
    return true;
  }

  // -----------------------------------------------------------------------------

  /** Ends the request with an error answer, or with a visibly broken connection once a head is out. */
  protected answerError(error: BerthError, reached: Reached = this.exchange === undefined ? 'no' : 'maybe'): void {
    const { context, request, requestId, response } = this;
    if (response.destroyed) return;
    if (response.headersSent) {
      context.answerLog.brokenOff(error, requestId, request);
      this.answer.breakOff();
      return;
    }
    if (this.openHead.body && !request.complete) this.lastAnswer();
    sendError(response, error, requestId, this.errorHead(error, reached));
    context.answerLog.errorAnswer(error, requestId, request);
  }

  /** The connection ends with the answer: the rest of the request is in the way of the next one. */
  private lastAnswer(): void {
    this.response.shouldKeepAlive = false;
    this.client.lastAnswer();
    this.request.resume();
  }
}

/** Shared: closures would be allocations for each request. */
function onResponseClose(this: RelayedResponse): void {
  this[RELAY]?.responseClosed();
}
