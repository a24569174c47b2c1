import {
  type BodySink,
  type Carrier,
  type Exchange,
  ExchangeKind,
  type FlatHeaders,
  type IncomingExchange,
  type InterimHead,
  type OpenedExchange,
  type OpenHead,
  type ResetCode,
  type ResponseHead,
  type ResponseSink,
} from '@berth/exchange';
import { MAX_DATA_BYTES } from './frames.js';
import type { ReceiveWindow } from './credit-window.js';

/** What an exchange asks of its session. */
export interface ExchangeSession extends Carrier {
  sendHead(exchange: TunnelExchange, head: ResponseHead): void;
  sendInformational(exchange: TunnelExchange, head: InterimHead): void;
  sendReset(exchange: TunnelExchange, code: ResetCode, message: string): void;
  grant(exchange: TunnelExchange, bytes: number): void;
  /** the peer allows more than before */
  credited(exchange: TunnelExchange): void;
  /** data or an End was queued */
  enqueue(exchange: TunnelExchange): void;
  readonly rttMs: number;
  now(): number;
}

const NO_TRAILERS = { trailers: undefined };

/** Bytes that wait for credit in one exchange before its producer is asked to pause. */
export const SEND_HIGH_WATER_BYTES = 262_144;

/** One exchange of a session, at either end; `docs/protocol.md` has its state table. */
export abstract class TunnelExchange<S extends BodySink = BodySink> implements Exchange {
  /** bytes the peer still allows */
  sendCredit: number;
  /** since credit that lies unused was last looked for; see credit-return.ts */
  creditUsed = false;
  /** chunks that wait for credit or for their turn */
  readonly pending: Buffer[] = [];
  pendingBytes = 0;
  /** set once End may follow the pending chunks; the trailers, if any */
  protected pendingEnd: { trailers: FlatHeaders | undefined } | undefined;
  /** the peer wants nothing more of it for now, credit or not */
  held = false;
  /** in the session's ready queue */
  queued = false;
  /** small chunks that joined a batch directly; the batch writer's books */
  inlineBatch = -1;
  inlineChunks = 0;
  sendEnded = false;
  receiveEnded = false;
  informationalCount = 0;
  informationalBytes = 0;
  /** raw bytes both ways: `tcp` from the start, an upgrade from its 101 on */
  pipe: boolean;
  /** ended both ways or reset: the session has forgotten it */
  closed = false;
  private producerPaused = false;
  sink!: S;

  constructor(
    readonly id: number,
    readonly openHead: OpenHead,
    protected readonly session: ExchangeSession,
    sendCredit: number,
    readonly window: ReceiveWindow,
  ) {
    this.sendCredit = sendCredit;
    this.pipe = openHead.kind === ExchangeKind.tcp;
  }

  /** Nothing but heads may come yet. */
  abstract get awaitsHead(): boolean;

  /** The end of what comes is the end of all, whatever this side still has to send. */
  abstract get overAtEnd(): boolean;

  /** Who consumed is gone once both directions have ended. */
  abstract get consumerGoneAtEnd(): boolean;

  /**
   * Queues body bytes. The buffer must not change afterwards.
   *
   * @returns false when the producer should wait for `sink.writable()`
   */
  sendData(bytes: Buffer): boolean {
    if (this.closed || this.ending || bytes.length === 0) return true;
    this.pending.push(bytes);
    this.pendingBytes += bytes.length;
    this.session.enqueue(this);
    if (this.pendingBytes < SEND_HIGH_WATER_BYTES) return true;
    this.producerPaused = true;
    return false;
  }

  /** Ends this direction after what was queued. */
  sendEnd(trailers?: FlatHeaders): void {
    if (this.closed || this.ending) return;
    this.pendingEnd = { trailers: trailers?.length ? trailers : undefined };
    this.session.enqueue(this);
  }

  /** Ends both directions at once; nothing is called on the sink after it. */
  reset(code: ResetCode, message = ''): void {
    if (!this.closed) this.session.sendReset(this, code, message);
  }

  /** Reports bytes of `sink.data` as taken, so that the peer may send more. */
  consumed(bytes: number): void {
    const grant = this.window.consume(bytes, this.session);
    if (grant > 0 && !this.closed) this.session.grant(this, grant);
  }

  /**
   * The consumer is gone: what it held counts no longer. Needed only after a
   * response or pipe ended in order; a failure or {@link reset} implies it.
   */
  discard(): void {
    this.window.release();
  }

  /** Whether there is something that may be sent now. */
  maySend(): boolean {
    if (this.held) return false;
    return this.pendingBytes > 0 ? this.sendCredit > 0 : this.pendingEnd !== undefined && !this.sendEnded;
  }

  private get ending(): boolean {
    return this.pendingEnd !== undefined;
  }

  /**
   * Takes the next chunk that credit, `limit` and the frame size allow.
   * Small chunks that wait are joined, so that a producer of single bytes does
   * not cost a frame for each.
   */
  takeChunk(limit: number): Buffer | undefined {
    const size = Math.min(this.pendingBytes, this.sendCredit, limit, MAX_DATA_BYTES);
    if (size <= 0 || this.held) return undefined;
    const first = this.pending[0] as Buffer;
    let chunk: Buffer;
    if (first.length > size) {
      chunk = first.subarray(0, size);
      this.pending[0] = first.subarray(size);
    } else if (first.length === size || this.pending.length === 1) {
      chunk = first;
      this.pending.shift();
    } else {
      chunk = this.takeWhole(size);
    }
    this.pendingBytes -= chunk.length;
    this.sendCredit -= chunk.length;
    this.creditUsed = true;
    return chunk;
  }

  /** Takes the End to send now: its trailers, wrapped; undefined while it may not go out. */
  takeEnd(): { trailers: FlatHeaders | undefined } | undefined {
    if (this.pendingBytes > 0 || this.pendingEnd === undefined || this.sendEnded || this.held) return undefined;
    this.sendEnded = true;
    return this.pendingEnd;
  }

  /** Called by the session after a batch left, while nothing is half done: wakes a paused producer. */
  wakeProducer(): void {
    if (!this.producerPaused || this.closed || this.pendingBytes > SEND_HIGH_WATER_BYTES / 2) return;
    this.producerPaused = false;
    this.sink.writable();
  }

  dropPending(): void {
    this.pending.length = 0;
    this.pendingBytes = 0;
  }

  private takeWhole(size: number): Buffer {
    let count = 0;
    let bytes = 0;
    for (const chunk of this.pending) {
      if (bytes + chunk.length > size) break;
      bytes += chunk.length;
      count += 1;
    }
    const chunks = this.pending.splice(0, count);
    return count === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes);
  }
}

/** At the gateway. */
export class OpenedTunnelExchange extends TunnelExchange<ResponseSink> implements OpenedExchange {
  headReceived = false;
  readonly openedAt: number;

  constructor(
    id: number,
    open: OpenHead,
    sink: ResponseSink,
    session: ExchangeSession,
    sendCredit: number,
    window: ReceiveWindow,
  ) {
    super(id, open, session, sendCredit, window);
    this.sink = sink;
    this.openedAt = session.now();
    if (open.body) return;
    // Open says that no body follows: this side's direction ends with it.
    this.sendEnded = true;
    this.pendingEnd = NO_TRAILERS;
  }

  get connection(): Carrier {
    return this.session;
  }

  get awaitsHead(): boolean {
    return !this.headReceived && !this.pipe;
  }

  /** A response that is complete ends its exchange, wanted request bytes or not. */
  get overAtEnd(): boolean {
    return !this.pipe;
  }

  /** A client may still be reading what the gateway holds. */
  get consumerGoneAtEnd(): boolean {
    return false;
  }
}

/** At the agent. It has no sink until somebody has taken it. */
export class IncomingTunnelExchange extends TunnelExchange implements IncomingExchange {
  get awaitsHead(): boolean {
    return false;
  }

  get overAtEnd(): boolean {
    return false;
  }

  /** A request whose response is out is read by nobody. */
  get consumerGoneAtEnd(): boolean {
    return !this.pipe;
  }

  sendHead(head: ResponseHead): void {
    if (!this.closed) this.session.sendHead(this, head);
  }

  sendInformational(head: InterimHead): void {
    if (!this.closed) this.session.sendInformational(this, head);
  }
}
