import type { FlatHeaders, InterimHead, OpenHead, ResetCode, ResponseHead } from './frames.js';
import { ExchangeKind, MAX_DATA_BYTES } from './frames.js';
import type { ReceiveWindow } from './credit-window.js';

/** Why an exchange ended early, as its sink is told. */
export interface ExchangeFailure {
  code: ResetCode | 'connection-lost';
  /** for logs; never to be matched */
  message: string;
}

/**
 * Who takes what the peer sends on one exchange. Plain calls, no events: a
 * listener list per exchange would cost more than the relaying.
 * After `end` of a response, or `failed`, nothing more is called.
 */
export interface ExchangeSink {
  /** the final response head (gateway only) */
  head(head: ResponseHead): void;
  /** an interim response (gateway only) */
  informational(head: InterimHead): void;
  /** body bytes; report them with {@link Exchange.consumed} when they have really been taken */
  data(bytes: Buffer): void;
  end(trailers: FlatHeaders | undefined): void;
  failed(failure: ExchangeFailure): void;
  /** after {@link Exchange.sendData} returned false: there is room again */
  writable(): void;
  /** the peer's consumer has taken some of what was sent, also after its end */
  progressed?(): void;
}

/** What an exchange asks of its session. */
export interface ExchangeSession {
  sendHead(exchange: Exchange, head: ResponseHead): void;
  sendInformational(exchange: Exchange, head: InterimHead): void;
  sendReset(exchange: Exchange, code: ResetCode, message: string): void;
  grant(exchange: Exchange, bytes: number): void;
  /** the peer allows more than before */
  credited(exchange: Exchange): void;
  /** data or an End was queued */
  enqueue(exchange: Exchange): void;
  readonly rttMs: number;
  now(): number;
}

/** Bytes that wait for credit in one exchange before its producer is asked to pause. */
export const SEND_HIGH_WATER_BYTES = 131_072;

/**
 * One relayed request with its response, or one byte pipe. The same class at
 * both ends; `docs/protocol.md` has its state table.
 */
export class Exchange {
  /** bytes the peer still allows */
  sendCredit: number;
  /** since credit that lies unused was last looked for; see credit-return.ts */
  creditUsed = false;
  /** chunks that wait for credit or for their turn */
  readonly pending: Buffer[] = [];
  pendingBytes = 0;
  /** set once End may follow the pending chunks; the trailers, if any */
  private pendingEnd: { trailers: FlatHeaders | undefined } | undefined;
  /** in the session's ready queue */
  queued = false;
  /** small chunks that joined a batch directly; the batch writer's books */
  inlineBatch = -1;
  inlineChunks = 0;
  sendEnded = false;
  receiveEnded = false;
  headReceived = false;
  informationalCount = 0;
  informationalBytes = 0;
  /** raw bytes both ways: `tcp` from the start, an upgrade from its 101 on */
  pipe: boolean;
  /** ended both ways or reset: the session has forgotten it */
  closed = false;
  private producerPaused = false;
  sink!: ExchangeSink;

  constructor(
    readonly id: number,
    readonly open: OpenHead,
    private readonly session: ExchangeSession,
    sendCredit: number,
    readonly window: ReceiveWindow,
  ) {
    this.sendCredit = sendCredit;
    this.pipe = open.kind === ExchangeKind.tcp;
  }

  /** Agent: sends the final response head, once, before any data. */
  sendHead(head: ResponseHead): void {
    if (!this.closed) this.session.sendHead(this, head);
  }

  /** Agent: sends an interim response, before the head. */
  sendInformational(head: InterimHead): void {
    if (!this.closed) this.session.sendInformational(this, head);
  }

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
    return this.pendingBytes > 0 ? this.sendCredit > 0 : this.pendingEnd !== undefined && !this.sendEnded;
  }

  /** Open said that no body follows: this side's direction ended with it. */
  endSendingWithOpen(): void {
    this.sendEnded = true;
    this.pendingEnd = { trailers: undefined };
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
    if (size <= 0) return undefined;
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
    if (this.pendingBytes > 0 || this.pendingEnd === undefined || this.sendEnded) return undefined;
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
