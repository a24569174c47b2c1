import { BerthError } from '@berth/errors';
import { decodeBatch } from './batch-decoder.js';
import { ConnectionFrames } from './connection-frames.js';
import { type ControlBodies, type ControlKind, encodeControl } from './control-messages.js';
import { CreditReturns } from './credit-return.js';
import {
  countBulk,
  type InterimHead,
  type OpenHead,
  type ResetCode,
  type ResponseHead,
  type ResponseSink,
} from '@berth/exchange';
import { type ExchangeSession, OpenedTunnelExchange, type TunnelExchange } from './exchange.js';
import { ExchangeFrames } from './exchange-frames.js';
import { encodeFrame } from './frame-encoder.js';
import {
  CREDIT_RETURN_FEATURE,
  type Goaway,
  MAX_EXCHANGE_ID,
  MAX_INFORMATIONAL,
  MAX_INFORMATIONAL_BYTES,
  type PeerLimits,
} from './frames.js';
import { LiveExchanges } from './live-exchanges.js';
import { asFault, Outbox, type OutboxOwner } from './outbox.js';
import type { BatchTransport, SessionEvents, SessionOptions } from './session-types.js';

/** What two sides found out about each other in their handshake, beside their limits. */
export interface Establishment {
  /** whose part of the budget of windows the connection uses: the agent's id, at a gateway */
  owner?: string;
  /** as the peer announced them */
  features?: readonly string[];
}

/** Round trip to assume before the first Pong, ms: small, so that windows do not grow on a guess. */
const UNKNOWN_RTT_MS = 1;

/** Numbers that are left for exchanges while the next connection is made: seven minutes at 40,000 requests/s. */
const SPARE_NUMBERS = 2 ** 24;

/**
 * One live tunnel connection: exchanges, credit, batching. It knows neither
 * gRPC nor HTTP. Faults of the peer end this session and nothing else.
 */
export class TunnelSession implements ExchangeSession, OutboxOwner {
  /** of the connection, as the handshake named it; empty before */
  id = '';
  private readonly live: LiveExchanges;
  private readonly outbox: Outbox;
  private readonly frames: ExchangeFrames;
  /** undefined for a peer that does not take any */
  private creditReturns: CreditReturns | undefined;
  private closing = false;
  private minRttMs: number | undefined;
  private newestRttMs = 0;
  /** when the last batch came in, on the clock of the options: a step of the wall clock is no silence */
  lastSeenAt: number;
  bytesReceived = 0;

  constructor(
    private readonly transport: BatchTransport,
    private readonly events: SessionEvents,
    private readonly options: SessionOptions,
  ) {
    this.lastSeenAt = options.now();
    this.outbox = new Outbox(transport, options, this);
    this.live = new LiveExchanges(options, events);
    const connectionFrames = new ConnectionFrames(options.role, events, (frame) => {
      this.outbox.addControl(frame);
    });
    this.frames = new ExchangeFrames(options, events, this.live, this, connectionFrames);
  }

  get inFlight(): number {
    return this.live.size;
  }

  get bytesSent(): number {
    return this.outbox.bytesSent;
  }

  get closed(): boolean {
    return this.live.failure !== undefined;
  }

  /** Exchanges that the peer takes at once. */
  get capacity(): number {
    return this.live.peer?.maxExchanges ?? 0;
  }

  /** Whether so much waits for a peer that does not read that no exchange should begin here. */
  get congested(): boolean {
    return this.outbox.controlBytes > this.options.maxControlBytes / 4;
  }

  /** Smallest round trip seen, ms. */
  get rttMs(): number {
    return this.minRttMs ?? UNKNOWN_RTT_MS;
  }

  /** Round trip of the last Ping that was answered, ms; 0 before. */
  get lastRttMs(): number {
    return this.newestRttMs;
  }

  /** Gateway: whether it is time for another connection, as this one's numbers for exchanges come to their end. */
  get numbersRunOut(): boolean {
    return this.live.lastId > MAX_EXCHANGE_ID - SPARE_NUMBERS;
  }

  /** Those under way: a snapshot, in no order. */
  protected list(): TunnelExchange[] {
    return this.live.list();
  }

  now(): number {
    return this.options.now();
  }

  /** Records what the handshake agreed on; exchanges are possible from here. */
  establish(peer: PeerLimits, { owner = '', features = [] }: Establishment = {}): void {
    const { live } = this;
    if (this.closed) return;
    live.peer = peer;
    live.share ??= this.options.window.budget.join(owner);
    if (!features.includes(CREDIT_RETURN_FEATURE)) return;
    this.creditReturns = new CreditReturns({
      list: () => live.list(),
      startBytes: peer.initialWindowBytes,
      giveBack: (exchange, bytes) => {
        this.outbox.addControl(encodeFrame.creditReturn(exchange.id, bytes));
      },
    });
  }

  /** Gateway: what the peer takes at once from now on, in place of what its Hello said. */
  protected limitTo(maxExchanges: number): void {
    const { live } = this;
    if (live.peer !== undefined) live.peer = { ...live.peer, maxExchanges };
  }

  observeRtt(ms: number): void {
    this.newestRttMs = ms;
    this.minRttMs = this.minRttMs === undefined ? ms : Math.min(this.minRttMs, ms);
  }

  /**
   * Gateway: begins an exchange. The caller has checked {@link inFlight} against the peer's limit.
   *
   * @throws BerthError `BERTH_CONNECTION_CLOSED` when the session is closed or its numbers are used up
   */
  open(head: OpenHead, sink: ResponseSink): OpenedTunnelExchange {
    const { live } = this;
    if (this.closed || live.lastId >= MAX_EXCHANGE_ID) {
      throw new BerthError('BERTH_CONNECTION_CLOSED', 'this connection takes no more exchanges');
    }
    const id = live.lastId + 1;
    const exchange = new OpenedTunnelExchange(id, head, sink, this, live.startCredit, live.newWindow());
    live.add(exchange);
    this.outbox.addControl(encodeFrame.open(id, head));
    return exchange;
  }

  /** Sends a frame of the connection; which side may send which says tunnel.proto. */
  tell<K extends ControlKind>(kind: K, body: ControlBodies[K]): void {
    this.outbox.addControl(encodeControl(kind, body));
  }

  sendGoaway(goaway: Goaway): void {
    this.tell('goaway', goaway);
  }

  sendPing(sequence: number): void {
    this.tell('ping', { sequence });
  }

  /**
   * Agent: nothing new is to be opened, until it is `held` no more; with an
   * exchange, nothing more of that one is to be sent.
   */
  hold(held: boolean, exchange?: TunnelExchange): void {
    if (exchange === undefined) this.tell(held ? 'pause' : 'resume', {});
    else this.outbox.addControl(encodeFrame.hold(exchange.id, held));
  }

  /** Gateway: tells the agent why it is not taken, then closes. */
  refuse(error: BerthError): void {
    this.outbox.addControl(
      encodeControl('refused', { code: error.code, message: error.message, retryable: error.retryable }),
    );
    this.close(error);
  }

  /** Takes one message of the peer. Never throws: a fault closes the session. */
  receive(batch: Buffer): void {
    if (this.closed) return;
    this.lastSeenAt = this.options.now();
    this.bytesReceived += batch.length;
    countBulk(batch.length);
    try {
      decodeBatch(batch, this.frames);
    } catch (thrown) {
      this.close(asFault(thrown));
    }
  }

  /** Ends the session: what was queued is sent, every exchange fails at once. Idempotent. */
  close(error?: BerthError): void {
    if (this.closing) return;
    this.closing = true;
    // The reason of an orderly end (Goaway, Refused, Reset) goes out first.
    this.outbox.close();
    this.creditReturns?.close();
    this.live.failAll({ code: 'connection-lost', message: error?.message ?? 'the connection was closed' });
    this.transport.close(error);
    this.events.closed(error);
  }

  /** Gives back at once what credit nobody used since the last time. */
  returnUnusedCredit(): void {
    this.creditReturns?.sweep();
  }

  // --- ExchangeSession -------------------------------------------------------

  sendHead(exchange: TunnelExchange, head: ResponseHead): void {
    if (head.status === 101) exchange.pipe = true;
    this.outbox.addControl(encodeFrame.head(exchange.id, head));
  }

  sendInformational(exchange: TunnelExchange, head: InterimHead): void {
    const frame = encodeFrame.informational(exchange.id, head);
    // More would end the connection; and without one of them no answer is less whole.
    if (exchange.informationalBytes + frame.length > MAX_INFORMATIONAL_BYTES) return;
    if (++exchange.informationalCount > MAX_INFORMATIONAL) return;
    exchange.informationalBytes += frame.length;
    this.outbox.addControl(frame);
  }

  sendReset(exchange: TunnelExchange, code: ResetCode, message: string): void {
    this.live.forget(exchange, true);
    this.outbox.addControl(encodeFrame.reset(exchange.id, code, message));
    this.events.resetSent?.(exchange, code, message);
  }

  grant(exchange: TunnelExchange, bytes: number): void {
    this.outbox.addControl(encodeFrame.credit(exchange.id, bytes));
  }

  credited(exchange: TunnelExchange): void {
    const { peer } = this.live;
    if (peer !== undefined && exchange.sendCredit > peer.initialWindowBytes) this.creditReturns?.watch();
  }

  enqueue(exchange: TunnelExchange): void {
    this.outbox.addSendable(exchange);
    if (exchange.sendEnded && exchange.receiveEnded) this.live.forgetEnded(exchange);
  }

  // --- OutboxOwner -----------------------------------------------------------

  afterSending(exchange: TunnelExchange): void {
    if (!exchange.sendEnded) {
      if (this.closing) return;
      try {
        exchange.wakeProducer();
      } catch (thrown) {
        this.live.sinkFailed(exchange, thrown);
      }
    } else if (exchange.receiveEnded) {
      this.live.forgetEnded(exchange);
    }
  }

  broken(error: BerthError): void {
    this.close(error);
  }
}
