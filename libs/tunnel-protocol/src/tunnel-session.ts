import { BerthError } from '#errors';
import { decodeBatch, type FrameHandler } from './batch-decoder.js';
import { BatchWriter } from './batch-writer.js';
import { decodeControl, encodeControl } from './control-messages.js';
import { ReceiveWindow, type WindowSettings } from './credit-window.js';
import { Exchange, type ExchangeSession, type ExchangeSink } from './exchange.js';
import { encodeFrame, FrameField } from './frame-encoder.js';
import {
  type FlatHeaders,
  type Goaway,
  type Hello,
  type InterimHead,
  MAX_EXCHANGE_ID,
  MAX_INFORMATIONAL,
  type OpenHead,
  type PeerLimits,
  type Refused,
  ResetCode,
  type ResponseHead,
  type Welcome,
} from './frames.js';

/** Carries batches; a gRPC duplex in life, a pair of queues in tests. */
export interface BatchTransport {
  /** Sends one batch and calls `sent` once the network has taken it. */
  send(batch: Buffer, sent: () => void): void;
  /** Ends the stream: orderly without an error, else with the error's gRPC status. */
  close(error?: BerthError): void;
}

export interface SessionEvents {
  hello?(hello: Hello): void;
  welcome?(welcome: Welcome): void;
  refused?(refused: Refused): void;
  /** Agent: a new exchange; returns who takes its frames. */
  opened?(exchange: Exchange): ExchangeSink;
  goaway?(goaway: Goaway): void;
  /** A frame kind that only some peers send (`Frame` field 22 and up), as its protobuf body. */
  extension?(field: number, body: Buffer): void;
  pong?(sequence: number): void;
  /** The number of exchanges went down. */
  exchangeEnded?(): void;
  /** Once, whoever closed it; every exchange has failed by then. */
  closed(error: BerthError | undefined): void;
}

export interface SessionOptions {
  role: 'gateway' | 'agent';
  window: WindowSettings;
  /** exchanges that this side takes at once; 0 for the gateway, which takes none */
  maxExchanges: number;
  /** bytes handed to the transport and not yet taken by the network, at the most */
  sendAheadBytes: number;
  /** bytes of control frames that may wait; a peer that does not read them is cut off */
  maxControlBytes: number;
  /** milliseconds, monotonic */
  now: () => number;
}

export const SESSION_DEFAULTS = { sendAheadBytes: 262_144, maxControlBytes: 4_194_304 } as const;

/** Round trip to assume before the first Pong, ms: small, so that windows do not grow on a guess. */
const UNKNOWN_RTT_MS = 1;

/**
 * One live tunnel connection: exchanges, credit, batching. It knows neither
 * gRPC nor HTTP. Faults of the peer end this session and nothing else.
 */
export class TunnelSession implements ExchangeSession, FrameHandler {
  private readonly exchanges = new Map<number, Exchange>();
  private readonly writer = new BatchWriter();
  private peer: PeerLimits = { maxExchanges: 0, initialWindowBytes: 0 };
  private lastId = 0;
  private underWayBytes = 0;
  private flushScheduled = false;
  private isClosed = false;
  private minRttMs: number | undefined;
  /** wall clock, ms since the epoch */
  lastSeenAt = Date.now();
  bytesReceived = 0;
  bytesSent = 0;

  constructor(
    private readonly transport: BatchTransport,
    private readonly events: SessionEvents,
    private readonly options: SessionOptions,
  ) {}

  get inFlight(): number {
    return this.exchanges.size;
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /** Exchanges that the peer takes at once. */
  get peerMaxExchanges(): number {
    return this.peer.maxExchanges;
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
  }

  observeRtt(ms: number): void {
    this.minRttMs = this.minRttMs === undefined ? ms : Math.min(this.minRttMs, ms);
  }

  /** Gateway: begins an exchange. The caller has checked {@link inFlight} against the peer's limit. */
  open(head: OpenHead, sink: ExchangeSink): Exchange {
    const exchange = this.createExchange(++this.lastId, head);
    exchange.sink = sink;
    this.queueControl(encodeFrame.open(exchange.id, head));
    return exchange;
  }

  sendHello(hello: Hello): void {
    this.queueControl(encodeControl('hello', hello));
  }

  sendWelcome(welcome: Welcome): void {
    this.queueControl(encodeControl('welcome', welcome));
  }

  sendGoaway(goaway: Goaway): void {
    this.queueControl(encodeControl('goaway', goaway));
  }

  sendPing(sequence: number): void {
    this.queueControl(encodeControl('ping', { sequence }));
  }

  /** Gateway: tells the agent why it is not taken, then closes. */
  refuse(error: BerthError): void {
    this.queueControl(
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
      this.close(
        thrown instanceof BerthError
          ? thrown
          : new BerthError('BERTH_INTERNAL', 'a frame could not be handled', { cause: thrown }),
      );
    }
  }

  /** Ends the session: what was queued is sent, every exchange fails at once. Idempotent. */
  close(error?: BerthError): void {
    if (this.isClosed) return;
    // The reason of an orderly end (Goaway, Refused, Reset) goes out first.
    this.flush();
    this.isClosed = true;
    this.writer.clear();
    const failure = { code: 'connection-lost', message: error?.message ?? 'the connection was closed' } as const;
    for (const exchange of [...this.exchanges.values()]) {
      this.forget(exchange);
      exchange.sink.failed(failure);
    }
    this.transport.close(error);
    this.events.closed(error);
  }

  // --- ExchangeSession -------------------------------------------------------

  sendHead(exchange: Exchange, head: ResponseHead): void {
    this.queueControl(encodeFrame.head(exchange.id, head));
  }

  sendInformational(exchange: Exchange, head: InterimHead): void {
    if (++exchange.informationalCount > MAX_INFORMATIONAL) return;
    this.queueControl(encodeFrame.informational(exchange.id, head));
  }

  sendReset(exchange: Exchange, code: ResetCode, message: string): void {
    this.forget(exchange);
    this.queueControl(encodeFrame.reset(exchange.id, code, message));
  }

  grant(exchange: Exchange, bytes: number): void {
    this.queueControl(encodeFrame.credit(exchange.id, bytes));
  }

  enqueue(exchange: Exchange): void {
    this.writer.addSendable(exchange, this.onEndSent);
    this.scheduleFlush();
  }

  // --- FrameHandler ----------------------------------------------------------

  onOpen(id: number, head: OpenHead): void {
    if (this.options.role === 'gateway') throw violation('the agent sent Open');
    if (id <= this.lastId || id > MAX_EXCHANGE_ID) throw violation(`Open reuses exchange ${id}`);
    this.lastId = id;
    const exchange = this.createExchange(id, head);
    if (this.exchanges.size > this.options.maxExchanges || this.events.opened === undefined) {
      this.sendReset(exchange, ResetCode.refused, `more than ${this.options.maxExchanges} exchanges at once`);
      return;
    }
    exchange.sink = this.events.opened(exchange);
  }

  onHead(id: number, head: ResponseHead): void {
    const exchange = this.fromAgent(id, 'Head');
    if (exchange === undefined) return;
    if (exchange.headReceived) throw violation(`second Head on exchange ${id}`);
    const legal = head.status === 101 ? exchange.open.kind !== 0 : head.status >= 200 && head.status <= 999;
    if (!legal) throw violation(`Head with status ${head.status} on exchange ${id}`);
    exchange.headReceived = true;
    exchange.sink.head(head);
  }

  onInformational(id: number, head: InterimHead): void {
    const exchange = this.fromAgent(id, 'Informational');
    if (exchange === undefined) return;
    if (exchange.headReceived) throw violation(`Informational after Head on exchange ${id}`);
    if (head.status < 100 || head.status > 199 || head.status === 101) {
      throw violation(`Informational with status ${head.status} on exchange ${id}`);
    }
    if (++exchange.informationalCount > MAX_INFORMATIONAL) {
      throw violation(`more than ${MAX_INFORMATIONAL} interim responses on exchange ${id}`);
    }
    exchange.sink.informational(head);
  }

  onData(id: number, bytes: Buffer): void {
    const exchange = this.known(id);
    if (exchange === undefined || bytes.length === 0) return;
    this.expectBody(exchange, 'Data');
    if (!exchange.window.receive(bytes.length)) throw violation(`Data without credit on exchange ${id}`);
    exchange.sink.data(bytes);
  }

  onEnd(id: number, trailers: FlatHeaders | undefined): void {
    const exchange = this.known(id);
    if (exchange === undefined) return;
    this.expectBody(exchange, 'End');
    exchange.receiveEnded = true;
    // A response that is complete ends its exchange, wanted request bytes or not.
    if (this.options.role === 'gateway' && exchange.open.kind === 0) {
      if (exchange.sendEnded) this.forget(exchange);
      else this.sendReset(exchange, ResetCode.done, '');
    } else if (exchange.sendEnded) {
      this.forget(exchange);
    }
    exchange.sink.end(trailers);
  }

  onReset(id: number, code: ResetCode, message: string): void {
    const exchange = this.known(id);
    if (exchange === undefined) return;
    this.forget(exchange);
    exchange.sink.failed({ code, message });
  }

  onCredit(id: number, bytes: number): void {
    const exchange = this.known(id);
    if (exchange === undefined) return;
    exchange.sendCredit += bytes;
    if (exchange.sendCredit > 0x7fffffff) throw violation(`credit beyond 2 GiB on exchange ${id}`);
    if (exchange.pendingBytes > 0) this.enqueue(exchange);
  }

  onConnectionFrame(field: number, body: Buffer): void {
    const { events } = this;
    switch (field) {
      case FrameField.ping:
        this.queueControl(encodeControl('pong', readControl('pong', body)));
        return;
      case FrameField.pong:
        events.pong?.(readControl('pong', body).sequence);
        return;
      case FrameField.goaway:
        events.goaway?.(readControl('goaway', body));
        return;
      case FrameField.hello:
        if (events.hello === undefined) throw violation('Hello is the agent\'s to send');
        events.hello(readControl('hello', body));
        return;
      case FrameField.welcome:
        if (events.welcome === undefined) throw violation('Welcome is the gateway\'s to send');
        events.welcome(readControl('welcome', body));
        return;
      case FrameField.refused:
        if (events.refused === undefined) throw violation('Refused is the gateway\'s to send');
        events.refused(readControl('refused', body));
        return;
      default:
        if (field > FrameField.configAck) throw violation(`unknown frame ${field}`);
        events.extension?.(field, body);
    }
  }

  // ---------------------------------------------------------------------------

  private createExchange(id: number, head: OpenHead): Exchange {
    const window = new ReceiveWindow(this.options.window, this.options.now());
    const exchange = new Exchange(id, head, this, this.peer.initialWindowBytes, window);
    this.exchanges.set(id, exchange);
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
    if (this.options.role === 'gateway' && !exchange.headReceived) {
      throw violation(`${frame} before Head on exchange ${exchange.id}`);
    }
  }

  private readonly onEndSent = (exchange: Exchange): void => {
    exchange.sendEnded = true;
    if (exchange.receiveEnded) this.forget(exchange);
  };

  private forget(exchange: Exchange): void {
    if (exchange.closed) return;
    exchange.closed = true;
    exchange.dropPending();
    exchange.window.close();
    this.exchanges.delete(exchange.id);
    this.events.exchangeEnded?.();
  }

  private queueControl(frame: string): void {
    if (this.isClosed) return;
    this.writer.addControl(frame);
    if (this.writer.controlBytes > this.options.maxControlBytes) {
      this.writer.clear();
      this.close(new BerthError('BERTH_PROTOCOL_ERROR', 'the peer does not read what it asks for'));
      return;
    }
    this.scheduleFlush();
  }

  private scheduleFlush(): void {
    if (this.flushScheduled || this.isClosed) return;
    this.flushScheduled = true;
    setImmediate(this.flush);
  }

  /** Everything that was queued in this turn leaves here, as far as the network takes it. */
  private readonly flush = (): void => {
    this.flushScheduled = false;
    while (!this.writer.empty && this.underWayBytes < this.options.sendAheadBytes) {
      const batch = this.writer.take(this.onEndSent);
      // Only exchanges that ended meanwhile were waiting.
      if (batch.length === 0) continue;
      this.underWayBytes += batch.length;
      this.bytesSent += batch.length;
      this.transport.send(batch, () => {
        this.underWayBytes -= batch.length;
        if (!this.flushScheduled && !this.isClosed) this.flush();
      });
    }
  };
}

function violation(what: string): BerthError {
  return new BerthError('BERTH_PROTOCOL_ERROR', what);
}

function readControl<K extends Parameters<typeof decodeControl>[0]>(kind: K, body: Buffer): ReturnType<typeof decodeControl<K>> {
  try {
    return decodeControl(kind, body);
  } catch (thrown) {
    throw new BerthError('BERTH_PROTOCOL_ERROR', `malformed ${kind}`, { cause: thrown });
  }
}
