import { type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { headerPairs, headerValue, relayHead, relayTrailers, withoutHeader } from '@berth/http-rules';
import {
  type BodySink,
  BytePipe,
  ExchangeKind,
  type FlatHeaders,
  type IncomingExchange,
  PacedWriter,
  ResetCode,
} from '@berth/exchange';
import type { ForwardOwner } from './forward-owner.js';
import { realStatus } from './local-errors.js';

/**
 * One exchange over `node:http` on a socket of its own: upgrades, and heads
 * that undici cannot send (`Expect`, announced request trailers, `OPTIONS *`).
 */
export class NodeForward extends PacedWriter implements BodySink {
  private readonly request: ClientRequest;
  private readonly beganAt: number;
  private response: IncomingMessage | undefined;
  /** bytes both ways, once the service has switched */
  private pipe: BytePipe | undefined;
  private pipeSocket: Duplex | undefined;
  /** of the client, which may wait until the service has taken what came before them */
  private trailers: FlatHeaders | undefined;
  /** the service's answer is complete, though some of it may still wait for credit */
  private answered = false;

  /**
   * @param connect opens a socket to the local service
   * @param owner takes the exchange's figures, and what goes wrong with it
   */
  constructor(
    private readonly exchange: IncomingExchange,
    connect: () => Socket,
    maxHeaderBytes: number,
    responseTimeoutMs: number,
    private readonly owner: Pick<ForwardOwner, 'figures' | 'fail'>,
  ) {
    super();
    this.beganAt = owner.figures.begin();
    this.request = httpRequest(requestOptions(exchange, connect, maxHeaderBytes));
    // The option of the same name is only for sockets that Node opens.
    this.request.setTimeout(responseTimeoutMs);
    this.request
      .on('continue', () => {
        // One that nobody asked for is skipped (RFC 9110 section 15.2).
        if (headerValue(exchange.openHead.headers, 'expect') === undefined) return;
        exchange.sendInformational({ status: 100, headers: [] });
      })
      .on('information', (info) => {
        if (info.statusCode !== 100)
          this.guard(() =>
            exchange.sendInformational({
              status: realStatus(info.statusCode),
              headers: relayHead(info.rawHeaders, false).headers,
            }),
          );
      })
      .on('response', (response) => {
        this.onResponse(response);
      })
      .on('upgrade', (response, socket, early) => {
        this.onUpgrade(response, socket, early);
      })
      .on('timeout', () =>
        this.request.destroy(Object.assign(new Error('no answer in time'), { code: 'UND_ERR_HEADERS_TIMEOUT' })),
      )
      .on('error', (error) => {
        // The answer is complete: what the service does with the rest of the request is its own affair.
        if (!this.localEnded) owner.fail(exchange, error);
      });
    if (exchange.openHead.kind === ExchangeKind.upgrade || !exchange.openHead.body) this.request.end();
    else this.request.flushHeaders();
  }

  data(bytes: Buffer): void {
    if (this.pipe === undefined) this.write(bytes);
    else this.pipe.data(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    if (this.pipe !== undefined) {
      this.pipe.end();
      return;
    }
    this.trailers = trailers;
    this.finishInTurn();
  }

  failed(): void {
    this.request.destroy();
    this.pipeSocket?.destroy();
    this.exchange.discard();
  }

  writable(): void {
    if (this.pipe === undefined) this.response?.resume();
    else this.pipe.writable();
  }

  protected get target(): ClientRequest {
    return this.request;
  }

  protected get network(): Socket | null {
    return this.request.socket;
  }

  protected taken(bytes: number): void {
    this.exchange.consumed(bytes);
  }

  protected finish(): void {
    if (this.exchange.openHead.kind === ExchangeKind.upgrade) return;
    if (this.trailers !== undefined) this.request.addTrailers(headerPairs(relayTrailers(this.trailers)));
    this.request.end();
  }

  private onResponse(response: IncomingMessage): void {
    const { exchange } = this;
    this.response = response;
    this.owner.figures.answer(this.beganAt);
    // The timeout is for the head.
    this.request.setTimeout(0);
    this.guard(() => {
      exchange.sendHead({
        status: realStatus(response.statusCode as number),
        reason: response.statusMessage ?? '',
        headers: relayHead(response.rawHeaders, false).headers,
      });
    });
    response
      .on('data', (chunk: Buffer) => {
        if (!exchange.sendData(chunk)) response.pause();
      })
      .on('end', () => {
        this.answered = true;
        exchange.sendEnd(relayTrailers(response.rawTrailers));
      })
      .on('error', (error) => {
        exchange.reset(ResetCode.localFailed, error.message);
      });
  }

  private onUpgrade(response: IncomingMessage, socket: Duplex, early: Buffer): void {
    const { exchange } = this;
    // Before anything else: nobody else listens for errors of an upgraded socket.
    socket.on('error', (error) => {
      this.onPipeClosed(error.message);
    });
    if (exchange.closed || exchange.openHead.kind !== ExchangeKind.upgrade) {
      socket.destroy();
      exchange.reset(ResetCode.localFailed, 'an upgrade that nobody asked for');
      return;
    }
    this.pipeSocket = socket;
    this.owner.figures.answer(this.beganAt);
    this.request.setTimeout(0);
    this.guard(() => {
      exchange.sendHead({
        status: 101,
        reason: response.statusMessage ?? '',
        headers: relayHead(response.rawHeaders, true).headers,
      });
    });
    socket.on('close', () => {
      this.onPipeClosed('the local service closed the connection');
    });
    this.pipe = new BytePipe(socket, exchange);
    this.pipe.begin(early);
  }

  /** A reset would drop what the service sent before its end, so it is only for a pipe that broke earlier. */
  private onPipeClosed(why: string): void {
    if (!this.localEnded) this.exchange.reset(ResetCode.localFailed, why);
  }

  /** All that the local service has to say has been passed on. */
  private get localEnded(): boolean {
    return this.pipe?.ended ?? this.answered;
  }

  private guard(send: () => void): void {
    try {
      send();
    } catch (thrown) {
      this.exchange.reset(ResetCode.localFailed, thrown instanceof Error ? thrown.message : '');
      this.request.destroy();
    }
  }
}

function requestOptions(exchange: IncomingExchange, connect: () => Socket, maxHeaderSize: number): RequestOptions {
  const { method, target: path, headers, body, kind } = exchange.openHead;
  const plain = kind === ExchangeKind.http;
  const chunked = plain && body && headerValue(headers, 'content-length') === undefined;
  return {
    method,
    path,
    // A flat list goes out as it is: order, case and repeats.
    headers: [
      // node:http refuses to announce trailers that the framing has no place for.
      ...(chunked ? headers : withoutHeader(headers, 'trailer')),
      ...(chunked ? ['Transfer-Encoding', 'chunked'] : []),
      ...(plain ? ['Connection', 'close'] : []),
    ],
    setHost: false,
    setDefaultHeaders: false,
    // No `agent`, not even `false`: with one, createConnection would not be asked.
    maxHeaderSize,
    createConnection: connect,
  };
}
