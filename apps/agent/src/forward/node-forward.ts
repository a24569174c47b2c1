import { type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { headerPairs, headerValue, relayHead, relayTrailers, withoutHeader } from '@berth/http-rules';
import {
  Backlog,
  type BodySink,
  ExchangeKind,
  type FlatHeaders,
  type IncomingExchange,
  passesBy,
  ResetCode,
} from '@berth/exchange';
import { realStatus } from './local-errors.js';

/**
 * One exchange over `node:http` on a socket of its own: upgrades, and heads
 * that undici cannot send (`Expect`, announced request trailers, `OPTIONS *`).
 */
export class NodeForward implements BodySink {
  private readonly request: ClientRequest;
  private response: IncomingMessage | undefined;
  private pipe: Duplex | undefined;
  /** undefined while the local service has never been slow */
  private backlog: Backlog | undefined;
  /** the client's End, which waits until the service has taken what came before it */
  private lateEnd: { trailers: FlatHeaders | undefined } | undefined;
  /** the local service has sent its last byte, which may still wait for credit */
  private localEnded = false;

  /**
   * @param connect opens a socket to the local service
   * @param fail resets the exchange for a fault of the local service
   */
  constructor(
    private readonly exchange: IncomingExchange,
    connect: () => Socket,
    maxHeaderBytes: number,
    responseTimeoutMs: number,
    fail: (exchange: IncomingExchange, error: Error) => void,
  ) {
    this.request = httpRequest(requestOptions(exchange, connect, maxHeaderBytes));
    // The option of the same name is only for sockets that Node opens.
    this.request.setTimeout(responseTimeoutMs);
    this.request
      .on('continue', () => {
        // One that nobody asked for is skipped (RFC 9110 section 15.2; issue 8, D21).
        if (headerValue(exchange.open.headers, 'expect') === undefined) return;
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
        if (!this.localEnded) fail(exchange, error);
      });
    if (exchange.open.kind === ExchangeKind.upgrade || !exchange.open.body) this.request.end();
    else this.request.flushHeaders();
  }

  data(bytes: Buffer): void {
    if (this.pipe?.destroyed === true) {
      this.exchange.consumed(bytes.length);
      return;
    }
    const sink = this.pipe ?? this.request;
    if (!this.isBehind && passesBy(sink, bytes)) {
      sink.write(bytes);
      this.exchange.consumed(bytes.length);
      return;
    }
    this.backlog ??= new Backlog(
      sink,
      () => this.request.socket,
      (taken) => {
        this.serviceTook(taken);
      },
    );
    this.backlog.add(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    if (this.isBehind) this.lateEnd = { trailers };
    else this.endLocal(trailers);
  }

  private endLocal(trailers: FlatHeaders | undefined): void {
    if (this.pipe !== undefined) {
      this.pipe.end();
      return;
    }
    if (this.exchange.open.kind === ExchangeKind.upgrade) return;
    if (trailers !== undefined) this.request.addTrailers(headerPairs(relayTrailers(trailers)));
    this.request.end();
  }

  failed(): void {
    this.request.destroy();
    this.pipe?.destroy();
    this.exchange.discard();
  }

  writable(): void {
    (this.pipe ?? this.response)?.resume();
  }

  private onResponse(response: IncomingMessage): void {
    const { exchange } = this;
    this.response = response;
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
        this.localEnded = true;
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
    if (exchange.closed || exchange.open.kind !== ExchangeKind.upgrade) {
      socket.destroy();
      exchange.reset(ResetCode.localFailed, 'an upgrade that nobody asked for');
      return;
    }
    this.pipe = socket;
    this.request.setTimeout(0);
    this.guard(() => {
      exchange.sendHead({
        status: 101,
        reason: response.statusMessage ?? '',
        headers: relayHead(response.rawHeaders, true).headers,
      });
    });
    if (early.length > 0) exchange.sendData(early);
    socket
      .on('data', (chunk: Buffer) => {
        if (!exchange.sendData(chunk)) socket.pause();
      })
      .on('end', () => {
        this.localEnded = true;
        exchange.sendEnd();
      })
      .on('close', () => {
        this.onPipeClosed('the local service closed the connection');
      });
  }

  /** A reset would drop what the service sent before its end, so it is only for a pipe that broke earlier. */
  private onPipeClosed(why: string): void {
    if (!this.localEnded) this.exchange.reset(ResetCode.localFailed, why);
  }

  private serviceTook(bytes: number): void {
    this.exchange.consumed(bytes);
    const { lateEnd } = this;
    if (lateEnd === undefined || this.isBehind) return;
    this.lateEnd = undefined;
    this.endLocal(lateEnd.trailers);
  }

  /** The local service has not taken all that it was sent. */
  private get isBehind(): boolean {
    return this.backlog !== undefined && !this.backlog.empty;
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
  const { method, target: path, headers, body, kind } = exchange.open;
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
