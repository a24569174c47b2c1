import { BerthError } from '@berth/errors';
import { giveBuffer, takeBuffer } from '@berth/exchange';
import type { TunnelExchange } from './exchange.js';
import { dataPrefix, encodeFrame } from './frame-encoder.js';
import { MAX_BATCH_BYTES } from './frames.js';
import type { BatchTransport, SessionOptions } from './session-types.js';

/** Data up to this size joins the text of its neighbours instead of being copied apart. */
const INLINE_DATA_BYTES = 2048;
/** Small chunks of one exchange that do so in one batch; a producer of many is better served by joining them. */
const MAX_INLINE_CHUNKS = 4;
/** Room that a Data frame needs besides its payload. */
const DATA_OVERHEAD_BYTES = 24;
/** A remainder smaller than this is left for the next batch. */
const WORTHWHILE_BYTES = 1024;

const NONE: readonly TunnelExchange[] = [];

interface Piece {
  text: string;
  bytes: Buffer | undefined;
}

/** What an outbox tells its session. */
export interface OutboxOwner {
  /** A batch with Data or the End of `exchange` is with the transport; frames may be queued here. */
  afterSending(exchange: TunnelExchange): void;
  /** The connection cannot go on. */
  broken(error: BerthError): void;
}

/** Any thrown value as the reason why a session closes. */
export function asFault(thrown: unknown): BerthError {
  if (thrown instanceof BerthError) return thrown;
  return new BerthError('BERTH_INTERNAL', 'a frame could not be handled', { cause: thrown });
}

/**
 * The sending half of a session: the frames of one turn become batches, as far
 * as the network takes them. Control frames go first, then Data in turn from the
 * exchanges that have some and may send it.
 */
export class Outbox {
  private control = '';
  private readonly backlog: string[] = [];
  private backlogBytes = 0;
  private ready: TunnelExchange[] = [];
  /** have Data or an End in the batch that {@link take} returned */
  private served: TunnelExchange[] = [];
  /** of the batch that is being collected */
  private batchNumber = 0;
  private underWayBytes = 0;
  private flushScheduled = false;
  /** a batch is being handed to the transport */
  private sending = false;
  private closed = false;
  bytesSent = 0;

  constructor(
    private readonly transport: BatchTransport,
    private readonly options: Pick<SessionOptions, 'sendAheadBytes' | 'maxControlBytes'>,
    private readonly owner: OutboxOwner,
  ) {}

  /** Bytes of control frames that wait. */
  get controlBytes(): number {
    return this.backlogBytes + this.control.length;
  }

  private get empty(): boolean {
    return this.control.length === 0 && this.backlog.length === 0 && this.ready.length === 0;
  }

  /** While more than a batch waits already, even small bodies take their turn. */
  private get mayInline(): boolean {
    return this.ready.length === 0 && this.backlog.length === 0 && this.control.length < MAX_BATCH_BYTES;
  }

  /** Queues a frame that no credit governs. */
  addControl(frame: string): void {
    if (this.closed) return;
    this.append(frame);
    if (this.controlBytes > this.options.maxControlBytes) {
      this.clear();
      this.owner.broken(new BerthError('BERTH_PROTOCOL_ERROR', 'the peer does not read what it asks for'));
      return;
    }
    this.scheduleFlush();
  }

  /**
   * Queues what an exchange may send now. A small body that is the only thing
   * waiting goes straight behind its head: one string, one copy.
   */
  addSendable(exchange: TunnelExchange): void {
    if (this.closed) return;
    this.scheduleFlush();
    if (exchange.queued || !exchange.maySend()) return;
    if (exchange.pendingBytes <= INLINE_DATA_BYTES && this.mayInline && this.countInline(exchange)) {
      const chunk = exchange.takeChunk(INLINE_DATA_BYTES);
      if (chunk !== undefined) this.append(encodeFrame.data(exchange.id, chunk.toString('latin1')));
      const end = exchange.takeEnd();
      if (end !== undefined) {
        this.append(encodeFrame.end(exchange.id, end.trailers));
        return;
      }
      if (!exchange.maySend()) return;
    }
    exchange.queued = true;
    this.ready.push(exchange);
  }

  /** Sends what waits, as far as the network takes it, and forgets the rest. */
  close(): void {
    this.flush();
    this.closed = true;
    this.clear();
  }

  private scheduleFlush(): void {
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    setImmediate(this.flush);
  }

  /** Everything that was queued in this turn leaves here. */
  private readonly flush = (): void => {
    this.flushScheduled = false;
    try {
      while (!this.empty && this.underWayBytes < this.options.sendAheadBytes) {
        const batch = this.take();
        if (batch.length > 0) this.send(batch);
        // Only now: what is called here may queue frames, and even close the session.
        for (const exchange of this.takeServed()) this.owner.afterSending(exchange);
      }
    } catch (thrown) {
      this.owner.broken(asFault(thrown));
    }
  };

  private send(batch: Buffer): void {
    const { length } = batch;
    this.underWayBytes += length;
    this.bytesSent += length;
    this.sending = true;
    this.transport.send(batch, () => {
      this.underWayBytes -= length;
      giveBuffer(batch);
      // A transport that is done at once is served by the loop that called it.
      if (!this.sending && !this.flushScheduled && !this.closed) this.flush();
    });
    this.sending = false;
  }

  private append(frame: string): void {
    if (this.control.length > 0 && this.control.length + frame.length > MAX_BATCH_BYTES) {
      this.backlog.push(this.control);
      this.backlogBytes += this.control.length;
      this.control = '';
    }
    this.control += frame;
  }

  /**
   * The next batch, while not all is {@link empty}. No bytes when only exchanges
   * waited that have ended meanwhile. Calls nobody: whoever is to be told about
   * it would otherwise queue frames around a batch that is half made.
   */
  private take(): Buffer {
    this.batchNumber += 1;
    let control = this.backlog.shift();
    if (control === undefined) {
      control = this.control;
      this.control = '';
    } else {
      this.backlogBytes -= control.length;
    }
    // Data may not overtake the Head or Open that still waits for its batch.
    if (this.ready.length === 0 || this.control.length > 0) return Buffer.from(control, 'latin1');
    const pieces: Piece[] = [{ text: control, bytes: undefined }];
    const size = control.length + this.takeData(MAX_BATCH_BYTES - control.length, pieces);
    return layOut(pieces, size);
  }

  private takeData(room: number, pieces: Piece[]): number {
    let size = 0;
    while (this.ready.length > 0 && room - size > WORTHWHILE_BYTES) {
      const exchange = this.ready.shift() as TunnelExchange;
      exchange.queued = false;
      if (exchange.closed) continue;
      const chunk = exchange.takeChunk(room - size - DATA_OVERHEAD_BYTES);
      if (chunk !== undefined) {
        const text = dataPrefix(exchange.id, chunk.length);
        size += text.length + chunk.length;
        pieces.push({ text, bytes: chunk });
      }
      const end = exchange.takeEnd();
      if (end !== undefined) {
        const text = encodeFrame.end(exchange.id, end.trailers);
        if (text.length > room - size) {
          // Trailers that do not fit go with the next batch, which this one precedes.
          this.append(text);
        } else {
          size += text.length;
          pieces.push({ text, bytes: undefined });
        }
      } else if (exchange.maySend()) {
        exchange.queued = true;
        this.ready.push(exchange);
      }
      this.served.push(exchange);
    }
    return size;
  }

  /** The exchanges whose Data or End has been taken since the last call. */
  private takeServed(): readonly TunnelExchange[] {
    if (this.served.length === 0) return NONE;
    const { served } = this;
    this.served = [];
    return served;
  }

  /** Forgets exchanges that ended, so that a closed session keeps nothing. */
  private clear(): void {
    this.control = '';
    this.backlog.length = 0;
    this.backlogBytes = 0;
    this.ready = [];
    this.served = [];
  }

  /** Whether the exchange may have one more small chunk in this batch; an End always may. */
  private countInline(exchange: TunnelExchange): boolean {
    if (exchange.inlineBatch !== this.batchNumber) {
      exchange.inlineBatch = this.batchNumber;
      exchange.inlineChunks = 0;
    }
    return exchange.pendingBytes === 0 || ++exchange.inlineChunks <= MAX_INLINE_CHUNKS;
  }
}

function layOut(pieces: readonly Piece[], size: number): Buffer {
  const batch = takeBuffer(size);
  let at = 0;
  for (const { text, bytes } of pieces) {
    at += batch.write(text, at, 'latin1');
    if (bytes !== undefined) {
      batch.set(bytes, at);
      at += bytes.length;
    }
  }
  return batch;
}
