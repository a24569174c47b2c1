import type { Socket } from 'node:net';
import {
  BytePipe,
  type DispatchSink,
  type ExchangeFailure,
  type ExchangeRequest,
  type OpenedExchange,
  type OpenHead,
  requestIdOf,
  ResetCode,
  type Waiting,
} from '@berth/exchange';
import type { BerthError } from '@berth/errors';
import { peerAddress } from '@berth/http-server-pool';
import { errorOfFailure, unusableAnswer } from '../failures.js';
import { reachedBy } from '../reached.js';
import type { TcpContext } from './tcp-context.js';
import { tcpHead } from './tcp-head.js';

const NOTHING = Buffer.alloc(0);

/** Makes an exchange of a connection of a TCP port. */
export function relayTcp(context: TcpContext, socket: Socket): void {
  const relay = new TcpRelay(context, socket);
  socket.on('close', () => {
    relay.socketClosed();
  });
  context.dispatch(relay, relay);
}

/**
 * A client's connection on its way: a byte pipe from the start, with two halves
 * that end independently. A reset of either side is one at the other.
 */
class TcpRelay implements ExchangeRequest, DispatchSink {
  readonly openHead: OpenHead;
  readonly clientAddress: string;
  readonly protocol = 'tcp';
  error: BerthError | undefined;
  private exchange: OpenedExchange | undefined;
  private wait: Waiting | undefined;
  private pipe: BytePipe | undefined;
  /** the local service has ended its half in order */
  private served = false;

  constructor(
    private readonly context: TcpContext,
    private readonly socket: Socket,
  ) {
    this.openHead = tcpHead(socket, context.service.openName);
    this.clientAddress = peerAddress(socket.remoteAddress);
  }

  opened(exchange: OpenedExchange): void {
    this.exchange = exchange;
    this.wait = undefined;
    // Until here the socket has been read no further than its own buffer.
    this.pipe = new BytePipe(this.socket, exchange);
    this.pipe.begin(NOTHING);
  }

  waiting(wait: Waiting): void {
    this.wait = wait;
  }

  informational(): void {
    // There is none in raw TCP.
  }

  /** Only a rule of the application can have answered with one. */
  head(): void {
    const { context, exchange, socket } = this;
    exchange?.reset(ResetCode.internal, 'an answer to raw TCP');
    const error = unusableAnswer(context.service.id, 'it is HTTP, and the port is for raw TCP');
    this.error = error;
    context.pipeLog.refused(error, this.clientAddress, this.requestId);
    socket.resetAndDestroy();
  }

  data(bytes: Buffer): void {
    this.pipe?.data(bytes);
  }

  end(): void {
    this.served = true;
    this.pipe?.end();
  }

  failed(failure: ExchangeFailure): void {
    const { clientAddress: client, context, exchange, requestId, served, socket } = this;
    if (socket.destroyed) return;
    const error = errorOfFailure(context.service.id, failure);
    this.error = error;
    if (requestId === undefined || reachedBy(failure, exchange) === 'no') {
      context.pipeLog.refused(error, client, requestId);
    } else {
      context.pipeLog.brokenOff(error, client, requestId);
    }
    if (!served) {
      // A FIN would say that all has come.
      socket.resetAndDestroy();
      return;
    }
    // All has come, and a reset would drop what the client has yet to read. Once
    // the socket is closed, the system answers with one to what the client sends.
    if (socket.writableFinished) socket.destroy();
    else socket.once('finish', () => socket.destroy());
    socket.setTimeout(context.options.idleTimeoutMs, () => socket.resetAndDestroy());
  }

  writable(): void {
    this.pipe?.writable();
  }

  socketClosed(): void {
    const { exchange, pipe } = this;
    this.wait?.cancel();
    if (exchange === undefined) return;
    exchange.discard();
    // Within the idle timeout.
    if (pipe?.isSendingLast !== true) exchange.reset(ResetCode.cancelled, 'the client broke the connection off');
  }

  /** undefined: there is no exchange */
  get requestId(): string | undefined {
    const { exchange } = this;
    return exchange && requestIdOf(exchange.connection.id, exchange.id);
  }
}
