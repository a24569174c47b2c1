import { ReceiveWindow } from './credit-window.js';
import { type BodySink, type ExchangeFailure, ResetCode } from '@berth/exchange';
import type { TunnelExchange } from './exchange.js';
import { ExchangeTable } from './exchange-table.js';
import { MAX_CONNECTION_INFORMATIONAL_BYTES, type PeerLimits } from './frames.js';
import type { SessionEvents, SessionOptions } from './session-types.js';
import type { WindowShare } from './window-budget.js';

/** The exchanges of one session, from their begin to the last that their sinks are told. */
export class LiveExchanges {
  /** what the handshake agreed on; undefined before it */
  peer: PeerLimits | undefined;
  /** what windows grow out of; undefined before the handshake */
  share: WindowShare | undefined;
  /** of all exchanges that live */
  private informationalBytes = 0;
  /** number of the newest exchange */
  lastId = 0;
  /** what exchanges were told when the session closed; undefined while it is open */
  failure: ExchangeFailure | undefined;
  private readonly table = new ExchangeTable();

  constructor(
    private readonly options: SessionOptions,
    private readonly events: SessionEvents,
  ) {}

  get size(): number {
    return this.table.size;
  }

  get(id: number): TunnelExchange | undefined {
    return this.table.get(id);
  }

  /** Credit that an exchange begins with, bytes. */
  get startCredit(): number {
    return this.peer?.initialWindowBytes ?? 0;
  }

  /** What a new exchange receives by. */
  newWindow(): ReceiveWindow {
    const { window: settings } = this.options;
    return new ReceiveWindow(settings, (this.share ??= settings.budget.join('')));
  }

  /** Adds one whose number is greater than all before. */
  add(exchange: TunnelExchange): void {
    this.lastId = exchange.id;
    this.table.add(exchange);
  }

  /**
   * Counts an interim response of the peer.
   *
   * @returns false when all that live have had too much of them to keep one more
   */
  takeInformational(exchange: TunnelExchange, bytes: number): boolean {
    if (this.informationalBytes + bytes > MAX_CONNECTION_INFORMATIONAL_BYTES) return false;
    exchange.informationalBytes += bytes;
    this.informationalBytes += bytes;
    return true;
  }

  /** Both directions have ended in order. */
  forgetEnded(exchange: TunnelExchange): void {
    this.forget(exchange, exchange.consumerGoneAtEnd);
  }

  /** @param consumerGone whether what the exchange's consumer still holds counts no longer */
  forget(exchange: TunnelExchange, consumerGone: boolean): void {
    if (exchange.closed) return;
    exchange.closed = true;
    exchange.dropPending();
    exchange.window.close();
    if (consumerGone) exchange.window.release();
    this.table.delete(exchange.id);
    this.informationalBytes -= exchange.informationalBytes;
    this.events.exchangeEnded?.();
  }

  /** A snapshot of those that live, in no order. */
  list(): TunnelExchange[] {
    return this.table.list();
  }

  /** Ends it here, and tells its sink why. */
  fail(exchange: TunnelExchange, failure: ExchangeFailure): void {
    this.forget(exchange, true);
    this.tell(exchange, failure);
  }

  /** The session is closed. */
  failAll(failure: ExchangeFailure): void {
    this.failure = failure;
    for (const exchange of this.table.list()) {
      // One that is being opened has no sink yet; whoever opens it sees to it.
      if ((exchange.sink as BodySink | undefined) !== undefined) this.fail(exchange, failure);
    }
    this.share?.leave();
  }

  /** A fault of whoever consumes one exchange ends that exchange and no other. */
  sinkFailed(exchange: TunnelExchange, thrown: unknown): void {
    this.events.fault?.(thrown);
    const message = 'the receiver of the exchange failed';
    exchange.reset(ResetCode.internal, message);
    this.tell(exchange, { code: ResetCode.internal, message });
  }

  private tell(exchange: TunnelExchange, failure: ExchangeFailure): void {
    try {
      exchange.sink.failed(failure);
    } catch (thrown) {
      this.events.fault?.(thrown);
    }
  }
}
