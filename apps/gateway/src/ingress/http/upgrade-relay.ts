import { type IncomingMessage, ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Socket } from 'node:net';
import { BerthError } from '@berth/errors';
import { upgradeProtocols } from '@berth/http-rules';
import {
  Backlog,
  type ExchangeFailure,
  type FlatHeaders,
  type OpenedExchange,
  type OpenHead,
  passesBy,
  ResetCode,
  type ResponseHead,
  type ResponseSink,
} from '@berth/exchange';
import { lingeringEnd, type PendingAnswer } from './client-connection.js';
import { UNWATCHED, type Watched } from '../deadlines.js';
import { newRequestId, sendRawError } from './error-responses.js';
import { errorOfFailure, noAnswerToUpgrade, unusableAnswer } from '../failures.js';
import { flushHead, relayAnswer } from './http-messages.js';
import type { IngressContext } from '../ingress-context.js';

/**
 * An upgrade on its way: until the local service's own 101 no byte of the
 * client passes; after it, the exchange is a byte pipe with two halves that end
 * independently. Any other answer is relayed as a plain response.
 */
export class UpgradeRelay implements ResponseSink, PendingAnswer, Watched {
  deadlineAt = 0;
  watchIndex = UNWATCHED;
  /** pipes are as slow as they like */
  readonly paceAt = Infinity;
  private exchange: OpenedExchange | undefined;
  /** undefined: never an exchange */
  private requestId: string | undefined;
  private state: 'waiting' | 'pipe' | 'response' = 'waiting';
  private response: ServerResponse | undefined;
  /** undefined while the client has never been slow */
  private backlog: Backlog | undefined;
  /** the local service has sent its last byte, and the client has not taken all before it */
  private endWaits = false;
  private ended = false;
  /** the client has sent its last byte, which may still wait for credit */
  private clientEnded = false;
  private readonly startedAt = performance.now();

  constructor(
    private readonly context: IngressContext,
    private readonly request: IncomingMessage,
    private readonly socket: Socket,
    /** bytes that came behind the request's head */
    private readonly early: Buffer,
    private readonly open: OpenHead,
  ) {}

  begin(): void {
    const { socket, context } = this;
    socket.on('close', this.onClose);
    context.agent.stats.requests += 1;
    context.agent.stats.upgrades += 1;
    context.deadlines.watch(this, context.options.responseTimeoutMs);
    try {
      const exchange = context.agent.connections.open(this.open, this);
      this.exchange = exchange;
      this.requestId = newRequestId(exchange);
    } catch (thrown) {
      this.refuse(BerthError.from(thrown));
    }
  }

  head(head: ResponseHead): void {
    this.touch(this.context.options.idleTimeoutMs);
    if (head.status === 101 && !this.isAskedFor(upgradeProtocols(head.headers))) {
      this.unsendable('it switches to a protocol that the request did not ask for');
      return;
    }
    try {
      if (head.status === 101) this.startPipe(head);
      else this.startResponse(head);
      const { stats } = this.context.agent;
      stats.answered(head.status);
      stats.firstByte.observe((performance.now() - this.startedAt) / 1000);
    } catch {
      this.unsendable('its head is not valid HTTP');
    }
  }

  /** Interim answers to an upgrade have no use for a client. */
  informational(): void {
    this.touch(this.context.options.responseTimeoutMs);
  }

  data(bytes: Buffer): void {
    this.touch(this.context.options.idleTimeoutMs);
    this.context.agent.stats.bytesOut += bytes.length;
    const sink = this.response ?? this.socket;
    if (this.backlog?.empty !== false && passesBy(sink, bytes)) {
      sink.write(bytes);
      this.exchange?.consumed(bytes.length);
      return;
    }
    this.backlog ??= new Backlog(
      sink,
      () => this.socket,
      (taken) => {
        this.clientTook(taken);
      },
    );
    this.backlog.add(bytes);
  }

  end(_trailers: FlatHeaders | undefined): void {
    if (this.backlog?.empty === false) this.endWaits = true;
    else this.endClient();
  }

  failed(failure: ExchangeFailure): void {
    this.refuse(errorOfFailure(this.context.agent.id, failure));
  }

  writable(): void {
    this.socket.resume();
  }

  progressed(): void {
    this.touch(this.context.options.idleTimeoutMs);
  }

  /** In a pipe, a half that ended is the local service's to know: it was told. */
  clientGone(): void {
    if (this.state !== 'pipe') this.socket.destroy();
  }

  requestBroken(): boolean {
    return true;
  }

  paceDue(): void {
    // Never due.
  }

  expired(): void {
    if (this.exchange?.closed === true) {
      // The exchange is over, and the client does not take the rest of it; what it has must not look whole.
      this.socket.resetAndDestroy();
      return;
    }
    this.exchange?.reset(ResetCode.timeout, 'deadline passed at the gateway');
    this.refuse(noAnswerToUpgrade(this.context.agent.id, this.context.options));
  }

  // ---------------------------------------------------------------------------

  /** A server must not switch to what it was not asked for (RFC 9110 section 7.8), nor without saying to what. */
  private isAskedFor(protocols: string[]): boolean {
    const asked = upgradeProtocols(this.open.headers);
    return protocols.length > 0 && protocols.every((protocol) => asked.includes(protocol));
  }

  private unsendable(why: string): void {
    this.exchange?.reset(ResetCode.internal, 'the response cannot be relayed');
    this.refuse(unusableAnswer(this.context.agent.id, why));
  }

  private endClient(): void {
    if (this.response !== undefined) {
      this.response.end();
      this.exchange?.reset(ResetCode.done);
    } else {
      this.socket.end();
    }
  }

  private startPipe(head: ResponseHead): void {
    const { headers } = relayAnswer(head, true);
    validateHeaderValue('reason', head.reason);
    let text = `HTTP/1.1 101 ${head.reason}\r\n`;
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string;
      const value = headers[i + 1] as string;
      validateHeaderName(name);
      validateHeaderValue(name, value);
      text += `${name}: ${value}\r\n`;
    }
    this.state = 'pipe';
    const { socket, exchange } = this;
    socket.write(`${text}\r\n`, 'latin1');
    socket.setNoDelay(true);
    // A plain answer on the same connection may have left its keep-alive timeout behind.
    socket.setTimeout(0);
    if (this.early.length > 0) this.sendToAgent(this.early);
    socket.on('data', this.sendToAgent);
    const onEnd = (): void => {
      this.clientEnded = true;
      exchange?.sendEnd();
    };
    // A client that has nothing to add to its early bytes may have ended before the 101.
    if (socket.readableEnded) onEnd();
    else socket.on('end', onEnd);
    socket.resume();
  }

  /** Not an upgrade after all: the answer goes out as HTTP, and the connection ends with it. */
  private startResponse(head: ResponseHead): void {
    const { headers } = relayAnswer(head, false);
    const response = new ServerResponse(this.request);
    response.shouldKeepAlive = false;
    response.sendDate = false;
    response.assignSocket(this.socket);
    response.on('finish', () => {
      response.detachSocket(this.socket);
      lingeringEnd.call(this.socket);
    });
    response.writeHead(head.status, head.reason, headers);
    this.state = 'response';
    this.response = response;
    flushHead(response);
  }

  private readonly sendToAgent = (bytes: Buffer): void => {
    this.touch(this.context.options.idleTimeoutMs);
    this.context.agent.stats.bytesIn += bytes.length;
    if (this.exchange?.sendData(bytes) === false) this.socket.pause();
  };

  private clientTook(bytes: number): void {
    this.touch(this.context.options.idleTimeoutMs);
    this.exchange?.consumed(bytes);
    if (!this.endWaits || this.backlog?.empty === false) return;
    this.endWaits = false;
    this.endClient();
  }

  private readonly onClose = (): void => {
    if (this.ended) return;
    this.ended = true;
    const { exchange } = this;
    exchange?.discard();
    // Both halves ended in order: what the client sent last still has to arrive, within the idle timeout.
    if (this.state === 'pipe' && this.clientEnded && this.socket.writableFinished && exchange?.sendEnded === false)
      return;
    this.context.deadlines.unwatch(this);
    exchange?.reset(ResetCode.cancelled, 'the client left');
  };

  private refuse(error: BerthError): void {
    const { answerLog, agent, options } = this.context;
    const requestId = (this.requestId ??= newRequestId());
    agent.stats.errors += 1;
    if (this.state === 'waiting' && this.socket.writable) {
      agent.stats.answered(error.httpStatus);
      sendRawError(this.socket, error, requestId, options.retryAfterSeconds);
      answerLog.answered(error, requestId, this.request);
      // A client that goes on sending must not keep the socket.
      this.socket.resume();
      setTimeout(() => this.socket.destroy(), 1000).unref();
    } else {
      if (this.state === 'pipe') answerLog.pipeBrokenOff(error, requestId, this.request);
      else if (!this.socket.destroyed) answerLog.brokenOff(error, requestId, this.request);
      // A FIN would be the end of the pipe, or of a body that lasts until close: only a reset shows the fault.
      this.socket.resetAndDestroy();
    }
  }

  private touch(timeoutMs: number): void {
    this.deadlineAt = this.context.deadlines.now + timeoutMs;
  }
}
