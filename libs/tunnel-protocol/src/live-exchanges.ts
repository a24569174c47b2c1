import { ReceiveWindow } from './credit-window.js';
import { Exchange, type ExchangeFailure, type ExchangeSession, type ExchangeSink } from './exchange.js';
import { ExchangeTable } from './exchange-table.js';
import { MAX_CONNECTION_INFORMATIONAL_BYTES, type OpenHead, type PeerLimits, ResetCode } from './frames.js';
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
    private readonly session: ExchangeSession,
  ) {}

  get size(): number {
    return this.table.size;
  }

  get(id: number): Exchange | undefined {
    return this.table.get(id);
  }

  /** Begins one without a sink, under a number that is greater than all before. */
  create(id: number, head: OpenHead): Exchange {
    this.lastId = id;
    const { window: settings } = this.options;
    const window = new ReceiveWindow(settings, (this.share ??= settings.budget.join('')));
    const exchange = new Exchange(id, head, this.session, this.peer?.initialWindowBytes ?? 0, window);
    this.table.add(exchange);
    return exchange;
  }

  /**
   * Counts an interim response of the peer.
   *
   * @returns false when all that live have had too much of them to keep one more
   */
  takeInformational(exchange: Exchange, bytes: number): boolean {
    if (this.informationalBytes + bytes > MAX_CONNECTION_INFORMATIONAL_BYTES) return false;
    exchange.informationalBytes += bytes;
    this.informationalBytes += bytes;
    return true;
  }

  /** Both directions have ended in order. */
  forgetEnded(exchange: Exchange): void {
    // A client may still be reading what the gateway holds; a request whose response is out is read by nobody.
    this.forget(exchange, this.options.role === 'agent' && !exchange.pipe);
  }

  /** @param consumerGone whether what the exchange's consumer still holds counts no longer */
  forget(exchange: Exchange, consumerGone: boolean): void {
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
  list(): Exchange[] {
    return this.table.list();
  }

  /** Ends it here, and tells its sink why. */
  fail(exchange: Exchange, failure: ExchangeFailure): void {
    this.forget(exchange, true);
    this.tell(exchange, failure);
  }

  /** The session is closed. */
  failAll(failure: ExchangeFailure): void {
    this.failure = failure;
    for (const exchange of this.table.list()) {
      // One that is being opened has no sink yet; whoever opens it sees to it.
      if ((exchange.sink as ExchangeSink | undefined) !== undefined) this.fail(exchange, failure);
    }
    this.share?.leave();
  }

  /** A fault of whoever consumes one exchange ends that exchange and no other. */
  sinkFailed(exchange: Exchange, thrown: unknown): void {
    this.events.fault?.(thrown);
    const message = 'the receiver of the exchange failed';
    exchange.reset(ResetCode.internal, message);
    this.tell(exchange, { code: ResetCode.internal, message });
  }

  private tell(exchange: Exchange, failure: ExchangeFailure): void {
    try {
      exchange.sink.failed(failure);
    } catch (thrown) {
      this.events.fault?.(thrown);
    }
  }
}
