import { BerthError } from '#errors';
import { decodeBatch, type FrameHandler } from './batch-decoder.js';
import { ConnectionFrames, violation } from './connection-frames.js';
import { encodeControl } from './control-messages.js';
import { ReceiveWindow } from './credit-window.js';
import { Exchange, type ExchangeFailure, type ExchangeSession, type ExchangeSink } from './exchange.js';
import { ExchangeTable } from './exchange-table.js';
import { encodeFrame } from './frame-encoder.js';
import {
  ExchangeKind,
  type FlatHeaders,
  type Goaway,
  type Hello,
  type InterimHead,
  MAX_DATA_BYTES,
  MAX_EXCHANGE_ID,
  MAX_INFORMATIONAL,
  type OpenHead,
  type PeerLimits,
  ResetCode,
  type ResponseHead,
  type Welcome,
} from './frames.js';
import { asFault, Outbox, type OutboxOwner } from './outbox.js';
import type { BatchTransport, SessionEvents, SessionOptions } from './session-types.js';

const MAX_RESET_MESSAGE_CHARS = 256;

/** Larger chunks keep four times their size at the most. */
const COMPACT_BELOW_BYTES = 16_384;

/** Round trip to assume before the first Pong, ms: small, so that windows do not grow on a guess. */
const UNKNOWN_RTT_MS = 1;

/**
 * One live tunnel connection: exchanges, credit, batching. It knows neither
 * gRPC nor HTTP. Faults of the peer end this session and nothing else.
 */
export class TunnelSession implements ExchangeSession, FrameHandler, OutboxOwner {
  private readonly exchanges = new ExchangeTable();
  private readonly outbox: Outbox;
  private readonly connectionFrames: ConnectionFrames;
  private peer: PeerLimits = { maxExchanges: 0, initialWindowBytes: 0 };
  private established = false;
  private lastId = 0;
  private closing = false;
  private isClosed = false;
  /** what exchanges were told when the session closed */
  private failure: ExchangeFailure | undefined;
  private minRttMs: number | undefined;
  /** wall clock, ms since the epoch */
  lastSeenAt = Date.now();
  bytesReceived = 0;

  constructor(
    private readonly transport: BatchTransport,
    private readonly events: SessionEvents,
    private readonly options: SessionOptions,
  ) {
    this.outbox = new Outbox(transport, options, this);
    this.connectionFrames = new ConnectionFrames(options.role, events, (frame) => {
      this.outbox.addControl(frame);
    });
  }

  get inFlight(): number {
    return this.exchanges.size;
  }

  get bytesSent(): number {
    return this.outbox.bytesSent;
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /** Exchanges that the peer takes at once. */
  get peerMaxExchanges(): number {
    return this.peer.maxExchanges;
  }

  /** Whether so much waits for a peer that does not read that no exchange should begin here. */
  get congested(): boolean {
    return this.outbox.controlBytes > this.options.maxControlBytes / 4;
  }

  /** Smallest round trip seen, ms. */
  get rttMs(): number {
    return this.minRttMs ?? UNKNOWN_RTT_MS;
  }

  /** Whether numbers for new exchanges are nearly used up. */
  get idsExhausted(): boolean {
    return this.lastId >= MAX_EXCHANGE_ID - 1;
  }

  now(): number {
    return this.options.now();
  }

  /** Records what the handshake agreed on; exchanges are possible from here. */
  establish(peer: PeerLimits): void {
    this.peer = peer;
    this.established = true;
  }

  observeRtt(ms: number): void {
    this.minRttMs = this.minRttMs === undefined ? ms : Math.min(this.minRttMs, ms);
  }

  /**
   * Gateway: begins an exchange. The caller has checked {@link inFlight} against the peer's limit.
   *
   * @throws BerthError `BERTH_CONNECTION_CLOSED` when the session is closed or its numbers are used up
   */
  open(head: OpenHead, sink: ExchangeSink): Exchange {
    if (this.isClosed || this.lastId >= MAX_EXCHANGE_ID) {
      throw new BerthError('BERTH_CONNECTION_CLOSED', 'this connection takes no more exchanges');
    }
    const exchange = this.createExchange(++this.lastId, head);
    exchange.sink = sink;
    if (!head.body) exchange.endSendingWithOpen();
    this.outbox.addControl(encodeFrame.open(exchange.id, head));
    return exchange;
  }

  sendHello(hello: Hello): void {
    this.outbox.addControl(encodeControl('hello', hello));
  }

  sendWelcome(welcome: Welcome): void {
    this.outbox.addControl(encodeControl('welcome', welcome));
  }

  sendGoaway(goaway: Goaway): void {
    this.outbox.addControl(encodeControl('goaway', goaway));
  }

  sendPing(sequence: number): void {
    this.outbox.addControl(encodeControl('ping', { sequence }));
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
    if (this.isClosed) return;
    this.lastSeenAt = Date.now();
    this.bytesReceived += batch.length;
    try {
      decodeBatch(batch, this);
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
    this.isClosed = true;
    const failure = { code: 'connection-lost', message: error?.message ?? 'the connection was closed' } as const;
    this.failure = failure;
    for (const exchange of this.exchanges.list()) {
      // One that is being opened has no sink yet; onOpen sees to it.
      if ((exchange.sink as ExchangeSink | undefined) === undefined) continue;
      this.forget(exchange, true);
      this.tellFailed(exchange, failure);
    }
    this.transport.close(error);
    this.events.closed(error);
  }

  // --- ExchangeSession -------------------------------------------------------

  sendHead(exchange: Exchange, head: ResponseHead): void {
    if (head.status === 101) exchange.pipe = true;
    this.outbox.addControl(encodeFrame.head(exchange.id, head));
  }

  sendInformational(exchange: Exchange, head: InterimHead): void {
    if (++exchange.informationalCount > MAX_INFORMATIONAL) return;
    this.outbox.addControl(encodeFrame.informational(exchange.id, head));
  }

  sendReset(exchange: Exchange, code: ResetCode, message: string): void {
    this.forget(exchange, true);
    this.outbox.addControl(encodeFrame.reset(exchange.id, code, message));
  }

  grant(exchange: Exchange, bytes: number): void {
    this.outbox.addControl(encodeFrame.credit(exchange.id, bytes));
  }

  enqueue(exchange: Exchange): void {
    this.outbox.addSendable(exchange);
    if (exchange.sendEnded && exchange.receiveEnded) this.forgetEnded(exchange);
  }

  // --- OutboxOwner -----------------------------------------------------------

  afterSending(exchange: Exchange): void {
    if (!exchange.sendEnded) {
      if (this.closing) return;
      try {
        exchange.wakeProducer();
      } catch (thrown) {
        this.sinkFailed(exchange, thrown);
      }
    } else if (exchange.receiveEnded) {
      this.forgetEnded(exchange);
    }
  }

  broken(error: BerthError): void {
    this.close(error);
  }

  // --- FrameHandler ----------------------------------------------------------

  onOpen(id: number, head: OpenHead): void {
    if (this.options.role === 'gateway') throw violation('the agent sent Open');
    if (!this.established) throw violation('Open before Welcome');
    if (id <= this.lastId || id > MAX_EXCHANGE_ID) throw violation(`Open reuses exchange ${id}`);
    this.lastId = id;
    // Closed by an earlier frame of this very batch.
    if (this.isClosed) return;
    const exchange = this.createExchange(id, head);
    exchange.receiveEnded = !head.body;
    if (this.exchanges.size > this.options.maxExchanges || this.events.opened === undefined) {
      this.sendReset(exchange, ResetCode.refused, `more than ${this.options.maxExchanges} exchanges at once`);
      return;
    }
    if (head.kind > ExchangeKind.tcp) {
      this.sendReset(exchange, ResetCode.unsupported, `unknown kind ${head.kind}`);
      return;
    }
    try {
      exchange.sink = this.events.opened(exchange);
    } catch (thrown) {
      this.forget(exchange, true);
      throw thrown;
    }
    // The session closed while the exchange was being opened: nobody has told its sink.
    if (this.failure !== undefined && !exchange.closed) {
      this.forget(exchange, true);
      this.tellFailed(exchange, this.failure);
    }
  }

  onHead(id: number, head: ResponseHead): void {
    const exchange = this.fromAgent(id, 'Head');
    if (exchange === undefined) return;
    if (exchange.headReceived || exchange.open.kind === ExchangeKind.tcp) {
      throw violation(`unexpected Head on exchange ${id}`);
    }
    const { status } = head;
    const accepted = status === 101 && exchange.open.kind === ExchangeKind.upgrade;
    if (!accepted && (status < 200 || status > 999)) throw violation(`Head with status ${status} on exchange ${id}`);
    exchange.headReceived = true;
    exchange.pipe = accepted;
    try {
      exchange.sink.head(head);
    } catch (thrown) {
      this.sinkFailed(exchange, thrown);
    }
  }

  onInformational(id: number, head: InterimHead): void {
    const exchange = this.fromAgent(id, 'Informational');
    if (exchange === undefined) return;
    if (exchange.headReceived || exchange.pipe) throw violation(`unexpected Informational on exchange ${id}`);
    if (head.status < 100 || head.status > 199 || head.status === 101) {
      throw violation(`Informational with status ${head.status} on exchange ${id}`);
    }
    if (++exchange.informationalCount > MAX_INFORMATIONAL) {
      throw violation(`more than ${MAX_INFORMATIONAL} interim responses on exchange ${id}`);
    }
    try {
      exchange.sink.informational(head);
    } catch (thrown) {
      this.sinkFailed(exchange, thrown);
    }
  }

  onData(id: number, bytes: Buffer): void {
    const exchange = this.known(id);
    if (exchange === undefined || bytes.length === 0) return;
    this.expectBody(exchange, 'Data');
    if (bytes.length > MAX_DATA_BYTES) throw violation(`Data of ${bytes.length} bytes on exchange ${id}`);
    if (!exchange.window.receive(bytes.length, this)) throw violation(`Data without credit on exchange ${id}`);
    try {
      exchange.sink.data(exchange.window.heldBytes > bytes.length ? compact(bytes) : bytes);
    } catch (thrown) {
      this.sinkFailed(exchange, thrown);
    }
  }

  onEnd(id: number, trailers: FlatHeaders | undefined): void {
    const exchange = this.known(id);
    if (exchange === undefined) return;
    this.expectBody(exchange, 'End');
    exchange.receiveEnded = true;
    exchange.window.close();
    if (exchange.sendEnded) {
      this.forgetEnded(exchange);
    } else if (this.options.role === 'gateway' && !exchange.pipe) {
      // A response that is complete ends its exchange, wanted request bytes or not.
      this.forget(exchange, false);
      this.outbox.addControl(encodeFrame.reset(id, ResetCode.done, ''));
    }
    try {
      exchange.sink.end(trailers);
    } catch (thrown) {
      this.sinkFailed(exchange, thrown);
    }
  }

  onReset(id: number, code: ResetCode, message: string): void {
    const exchange = this.known(id);
    if (exchange === undefined) return;
    this.forget(exchange, true);
    const known = code <= ResetCode.internal ? code : ResetCode.unspecified;
    this.tellFailed(exchange, { code: known, message: message.slice(0, MAX_RESET_MESSAGE_CHARS) });
  }

  onCredit(id: number, bytes: number): void {
    const exchange = this.known(id);
    if (exchange === undefined) return;
    exchange.sendCredit += bytes;
    if (exchange.sendCredit > 0x7fffffff) throw violation(`credit beyond 2 GiB on exchange ${id}`);
    if (exchange.pendingBytes > 0) this.enqueue(exchange);
  }

  onConnectionFrame(field: number, body: Buffer): void {
    if (!this.isClosed) this.connectionFrames.take(field, body);
  }

  // ---------------------------------------------------------------------------

  private createExchange(id: number, head: OpenHead): Exchange {
    const window = new ReceiveWindow(this.options.window);
    const exchange = new Exchange(id, head, this, this.peer.initialWindowBytes, window);
    this.exchanges.add(exchange);
    return exchange;
  }

  /** The live exchange; undefined for one that ended here while the frame was under way. */
  private known(id: number): Exchange | undefined {
    const exchange = this.exchanges.get(id);
    if (exchange === undefined && id > this.lastId) throw violation(`frame for exchange ${id}, which was never opened`);
    return exchange;
  }

  private fromAgent(id: number, frame: string): Exchange | undefined {
    if (this.options.role === 'agent') throw violation(`the gateway sent ${frame}`);
    return this.known(id);
  }

  private expectBody(exchange: Exchange, frame: string): void {
    if (exchange.receiveEnded) throw violation(`${frame} after End on exchange ${exchange.id}`);
    if (this.options.role === 'gateway' && !exchange.headReceived && !exchange.pipe) {
      throw violation(`${frame} before Head on exchange ${exchange.id}`);
    }
  }

  /** A fault of whoever consumes one exchange ends that exchange and no other. */
  private sinkFailed(exchange: Exchange, thrown: unknown): void {
    this.events.fault?.(thrown);
    exchange.reset(ResetCode.internal, 'the receiver of the exchange failed');
    this.tellFailed(exchange, { code: ResetCode.internal, message: 'the receiver of the exchange failed' });
  }

  private tellFailed(exchange: Exchange, failure: ExchangeFailure): void {
    try {
      exchange.sink.failed(failure);
    } catch (thrown) {
      this.events.fault?.(thrown);
    }
  }

  /** Both directions have ended in order. */
  private forgetEnded(exchange: Exchange): void {
    // A client may still be reading what the gateway holds; a request whose response is out is read by nobody.
    this.forget(exchange, this.options.role === 'agent' && !exchange.pipe);
  }

  /** @param consumerGone whether what the exchange's consumer still holds counts no longer */
  private forget(exchange: Exchange, consumerGone: boolean): void {
    if (exchange.closed) return;
    exchange.closed = true;
    exchange.dropPending();
    exchange.window.close();
    if (consumerGone) exchange.window.release();
    this.exchanges.delete(exchange.id);
    this.events.exchangeEnded?.();
  }
}

/**
 * Bytes for a consumer that lags: it keeps them for a while, and a few of them
 * must not keep the whole batch alive, or credit would no longer bound memory.
 * Not from Node's buffer pool, whose slabs are as large as a batch.
 */
function compact(bytes: Buffer): Buffer {
  if (bytes.length >= COMPACT_BELOW_BYTES || bytes.buffer.byteLength <= 2 * bytes.length) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
