import { type IncomingMessage, ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Socket } from 'node:net';
import { BerthError } from '@berth/errors';
import { relayResponseHead, upgradeProtocols } from '@berth/http-rules';
import {
  BytePipe,
  type PeerSocket,
  type FlatHeaders,
  type OpenHead,
  ResetCode,
  type ResponseHead,
} from '@berth/exchange';
import type { Reached } from '../reached.js';
import { endWithError, peerAddress } from '@berth/http-server-pool';
import { AnswerWriter } from './answer-writer.js';
import { clientOf, type PendingAnswer } from './client-connection.js';
import { ExchangeRelay } from './exchange-relay.js';
import type { IngressContext } from './ingress-context.js';
import { breakOff, destroySoon, lingeringEnd } from './linger.js';
import { refuseRaw } from './refusal.js';
import { readRequestHead } from './request-head.js';

/**
 * Makes an exchange of an upgrade, in its turn; or refuses it.
 *
 * @param early bytes that came behind the request's head
 */
export function relayUpgrade(context: IngressContext, request: IncomingMessage, socket: Socket, early: Buffer): void {
  const client = clientOf(socket);
  const head = client.refusal ?? readRequestHead(request, true, context.options, context.service.openName);
  if (head instanceof BerthError) {
    refuseRaw(context, socket, head, request);
    return;
  }
  const relay = new UpgradeRelay(context, request, socket, early, head);
  client.current = relay;
  socket.on('close', () => {
    relay.socketClosed();
  });
  context.dispatch(relay, relay);
}

/** What the agent is told. */
const UNRELAYED = 'the response cannot be relayed';

/**
 * An upgrade on its way: until the local service's own 101 no byte of the
 * client passes; after it, the exchange is a byte pipe with two halves that end
 * independently. Any other answer is relayed as a plain response.
 */
class UpgradeRelay extends ExchangeRelay implements PendingAnswer {
  private pipe: BytePipe | undefined;
  private answer: AnswerWriter | undefined;

  constructor(
    context: IngressContext,
    private readonly request: IncomingMessage,
    private readonly socket: Socket,
    private readonly early: Buffer,
    openHead: OpenHead,
  ) {
    super(context, openHead);
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

  /** Interim answers to an upgrade have no use for a client. */
  informational(): void {
    // Nothing to relay.
  }

  head(head: ResponseHead): void {
    if (head.status !== 101) this.startResponse(head);
    else if (!this.isAskedFor(upgradeProtocols(head.headers))) {
      this.giveUp(UNRELAYED, 'it switches to a protocol that the request did not ask for');
    } else {
      try {
        this.startPipe(head);
      } catch (thrown) {
        this.unsendable(thrown);
      }
    }
  }

  data(bytes: Buffer): void {
    (this.pipe ?? this.answer)?.data(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    if (this.pipe !== undefined) this.pipe.end();
    else this.answer?.end(trailers);
  }

  writable(): void {
    this.pipe?.writable();
  }

  // --- what becomes of a plain answer ------------------------------------------

  override contradicted(what: string): void {
    this.giveUp(UNRELAYED, what);
  }

  override unsendable(_thrown: unknown): void {
    this.giveUp(UNRELAYED, 'its head is not valid HTTP');
  }

  // --- what becomes of the client ----------------------------------------------

  /** In a pipe, a half that ended is the local service's to know: it was told. */
  clientGone(): void {
    if (this.pipe === undefined) this.socket.destroy();
  }

  requestBroken(): boolean {
    return true;
  }

  socketClosed(): void {
    const { exchange, pipe } = this;
    this.wait?.cancel();
    if (exchange === undefined) return;
    exchange.discard();
    // Within the idle timeout.
    if (pipe?.isSendingLast !== true) exchange.reset(ResetCode.cancelled, 'the client left');
  }

  // -----------------------------------------------------------------------------

  /** A server must not switch to what it was not asked for (RFC 9110 section 7.8), nor without saying to what. */
  private isAskedFor(protocols: string[]): boolean {
    const asked = upgradeProtocols(this.openHead.headers);
    return protocols.length > 0 && protocols.every((protocol) => asked.includes(protocol));
  }

  private startPipe({ headers: raw, reason, status }: ResponseHead): void {
    const { exchange, socket } = this;
    if (exchange === undefined) return;
    const { headers } = relayResponseHead(status, raw, true);
    validateHeaderValue('reason', reason);
    let text = `HTTP/1.1 101 ${reason}\r\n`;
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string;
      const value = headers[i + 1] as string;
      validateHeaderName(name);
      validateHeaderValue(name, value);
      text += `${name}: ${value}\r\n`;
    }
    socket.write(`${text}\r\n`, 'latin1');
    socket.setNoDelay(true);
    // A plain answer on the same connection may have left its keep-alive timeout behind.
    socket.setTimeout(0);
    this.pipe = new BytePipe(socket, exchange);
    this.pipe.begin(this.early);
  }

  /** Not an upgrade after all: the answer goes out as HTTP, and the connection ends with it. */
  private startResponse(head: ResponseHead): void {
    const { openHead, request, socket } = this;
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', () => {
      response.detachSocket(socket);
      lingeringEnd.call(socket);
    });
    const answer = new AnswerWriter(response, openHead.method, this);
    if (answer.head(head)) this.answer = answer;
    else response.detachSocket(socket);
  }

  /** Ends it with an error answer, or with a visibly broken connection once bytes have passed. */
  protected answerError(error: BerthError, reached: Reached = this.exchange === undefined ? 'no' : 'maybe'): void {
    const { answerLog } = this.context;
    const { request, requestId, socket } = this;
    if (socket.destroyed) return;
    if (this.pipe === undefined && this.answer === undefined && socket.writable) {
      endWithError(socket, error, requestId, this.errorHead(error, reached));
      answerLog.errorAnswer(error, requestId, request);
      // A client that goes on sending must not keep the socket.
      socket.resume();
      destroySoon(socket);
    } else {
      if (this.pipe !== undefined) answerLog.pipeBrokenOff(error, requestId, request);
      else answerLog.brokenOff(error, requestId, request);
      // A FIN would be the end of the pipe, or of a body that lasts until close: only a reset shows the fault.
      breakOff(socket);
    }
  }
}
