import type { Socket } from 'node:net';
import { type BodySink, BytePipe, type IncomingExchange, ResetCode } from '@berth/exchange';
import type { ForwardOwner } from './forward-owner.js';

/** Silence after which the system asks the service's host whether it is still there, ms. */
const KEEPALIVE_MS = 60_000;

/** How often it is looked whether the service's last bytes have left, ms. */
const END_CHECK_MS = 100;

const NOTHING = Buffer.alloc(0);

/**
 * One raw TCP exchange on a socket of its own: bytes as they come, halves that
 * end on their own, and a reset of either side as one at the other.
 */
export class TcpForward implements BodySink {
  private readonly socket: Socket;
  private readonly pipe: BytePipe;
  private readonly beganAt: number;
  private error: Error | undefined;

  /**
   * @param connect opens a socket to the local service
   * @param preface what the service gets before the client's bytes
   * @param owner takes the exchange's figures, and what goes wrong with it
   */
  constructor(
    private readonly exchange: IncomingExchange,
    connect: () => Socket,
    preface: Buffer | undefined,
    private readonly owner: Pick<ForwardOwner, 'figures' | 'fail'>,
  ) {
    this.beganAt = owner.figures.begin();
    const socket = connect();
    this.socket = socket;
    this.pipe = new BytePipe(socket, exchange);
    socket
      .once('connect', () => {
        owner.figures.answer(this.beganAt);
        socket.setKeepAlive(true, KEEPALIVE_MS);
      })
      .on('error', (error) => {
        this.error = error;
      })
      .once('close', () => {
        this.closed();
      });
    if (preface !== undefined) socket.write(preface);
    this.pipe.begin(NOTHING);
  }

  data(bytes: Buffer): void {
    this.pipe.data(bytes);
  }

  end(): void {
    this.pipe.end();
  }

  failed(): void {
    const { exchange, socket } = this;
    // It would be reset when it is connected, and not before.
    if (socket.connecting) socket.destroy();
    else socket.resetAndDestroy();
    exchange.discard();
  }

  writable(): void {
    this.pipe.writable();
  }

  private closed(): void {
    const { error, exchange, owner, pipe, socket } = this;
    if (exchange.closed) return;
    if (!pipe.ended) owner.fail(exchange, error ?? new Error('the local service broke the connection off'));
    // Both halves have ended, and its last bytes may still wait for credit.
    else if (!socket.writableFinished) this.resetBehindEnd();
  }

  /** The service took no more after its own end: its client is told so, but gets what was sent before. */
  private resetBehindEnd(): void {
    const { exchange } = this;
    if (exchange.closed) return;
    if (exchange.sendEnded) exchange.reset(ResetCode.localFailed, 'the local service takes nothing more');
    else
      setTimeout(() => {
        this.resetBehindEnd();
      }, END_CHECK_MS).unref();
  }
}
