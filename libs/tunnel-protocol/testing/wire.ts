import type { BerthError } from '@berth/errors';
import type { BatchTransport } from '../src/session-types.js';

interface UnderWay {
  batch: Buffer;
  sent: () => void;
}

/** One direction of a connection under the test's control: batches arrive, in order, when the test says so. */
export class Wire implements BatchTransport {
  /** handed over and not yet taken by the network */
  private readonly untaken: UnderWay[] = [];
  private readonly undelivered: Buffer[] = [];
  /** every batch, in the order of sending */
  readonly log: Buffer[] = [];
  /** one entry per `close()`; null: in order */
  readonly closedWith: (BerthError | null)[] = [];
  /** sees every batch in the moment it is sent */
  onSend: ((batch: Buffer) => void) | undefined;
  receiver: { receive(batch: Buffer): void } | undefined;

  send(batch: Buffer, sent: () => void): void {
    // As the network does: once it has been taken, the sender uses the buffer again.
    const copy = Buffer.from(batch);
    this.log.push(copy);
    this.untaken.push({ batch, sent });
    this.undelivered.push(copy);
    this.onSend?.(copy);
  }

  close(error?: BerthError): void {
    this.closedWith.push(error ?? null);
  }

  get waiting(): boolean {
    return this.untaken.length > 0 || this.undelivered.length > 0;
  }

  /** The network takes the oldest batch. */
  take(): void {
    this.untaken.shift()?.sent();
  }

  /** The oldest batch arrives. */
  deliver(): void {
    const batch = this.undelivered.shift();
    // A copy, as from a socket: whoever keeps a view must not see the sender's buffer.
    if (batch !== undefined) this.receiver?.receive(Buffer.from(batch));
  }

  /** Everything arrives that is under way. */
  flush(): void {
    while (this.untaken.length > 0) this.take();
    while (this.undelivered.length > 0) this.deliver();
  }
}

/** One turn of the event loop: queued frames become batches. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
