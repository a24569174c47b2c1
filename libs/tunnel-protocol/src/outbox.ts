import { BerthError } from '@berth/errors';
import { giveBatchBuffer } from './batch-buffers.js';
import { BatchWriter } from './batch-writer.js';
import type { TunnelExchange } from './exchange.js';
import type { BatchTransport, SessionOptions } from './session-types.js';

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

/** The sending half of a session: frames of one turn become batches, as far as the network takes them. */
export class Outbox {
  private readonly writer = new BatchWriter();
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
    return this.writer.controlBytes;
  }

  /** Queues a frame that no credit governs. */
  addControl(frame: string): void {
    if (this.closed) return;
    this.writer.addControl(frame);
    if (this.writer.controlBytes > this.options.maxControlBytes) {
      this.writer.clear();
      this.owner.broken(new BerthError('BERTH_PROTOCOL_ERROR', 'the peer does not read what it asks for'));
      return;
    }
    this.scheduleFlush();
  }

  /** Queues what an exchange may send now. */
  addSendable(exchange: TunnelExchange): void {
    if (this.closed) return;
    this.writer.addSendable(exchange);
    this.scheduleFlush();
  }

  /** Sends what waits, as far as the network takes it, and forgets the rest. */
  close(): void {
    this.flush();
    this.closed = true;
    this.writer.clear();
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
      while (!this.writer.empty && this.underWayBytes < this.options.sendAheadBytes) {
        const batch = this.writer.take();
        if (batch.length > 0) this.send(batch);
        // Only now: what is called here may queue frames, and even close the session.
        for (const exchange of this.writer.takeServed()) this.owner.afterSending(exchange);
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
      giveBatchBuffer(batch);
      // A transport that is done at once is served by the loop that called it.
      if (!this.sending && !this.flushScheduled && !this.closed) this.flush();
    });
    this.sending = false;
  }
}
