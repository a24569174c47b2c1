import type { Socket } from 'node:net';
import { messageOf } from '@berth/errors';
import { type BodySink, type FlatHeaders, type IncomingExchange, ResetCode } from '@berth/exchange';
import { ALL_IN_USE, type LocalPool, type PoolUser } from './local-pool.js';

/**
 * An exchange that wants a socket of its own to the local service, until it is
 * its turn. What comes for it meanwhile is kept; that is one window at the most.
 */
export class SocketTurn implements BodySink, PoolUser {
  readonly opensSocket = true;
  private readonly gathered: Buffer[] = [];
  private ended: { trailers: FlatHeaders | undefined } | undefined;
  private forward: BodySink | undefined;

  /**
   * @param open opens the socket; a throw ends the exchange
   * @param begin makes who takes the frames from then on; calls `connect` at once, and once
   */
  constructor(
    private readonly exchange: IncomingExchange,
    private readonly pool: LocalPool,
    private readonly open: () => Socket,
    private readonly begin: (connect: () => Socket) => BodySink,
  ) {}

  /** Who takes the frames now. */
  get sink(): BodySink {
    return this.forward ?? this;
  }

  run(): void {
    const { exchange, pool } = this;
    const opened: Socket[] = [];
    const connect = (): Socket => {
      const socket = this.open();
      opened.push(socket);
      pool.track(socket);
      return socket;
    };
    try {
      const forward = this.begin(connect);
      this.forward = forward;
      exchange.sink = forward;
      for (const bytes of this.gathered) forward.data(bytes);
      if (this.ended !== undefined) forward.end(this.ended.trailers);
    } catch (thrown) {
      exchange.reset(ResetCode.localFailed, messageOf(thrown));
      if (opened.length === 0) pool.leave();
    }
  }

  refused(): void {
    this.exchange.reset(ResetCode.localBusy, ALL_IN_USE);
  }

  data(bytes: Buffer): void {
    this.gathered.push(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    this.ended = { trailers };
  }

  failed(): void {
    this.pool.abandon(this);
    this.exchange.discard();
  }

  writable(): void {
    // Nothing has been sent yet.
  }
}
