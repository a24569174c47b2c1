import type { Carrier, FlatHeaders, OpenedExchange, OpenHead, ResetCode, ResponseSink } from '../src/index.js';

/** An exchange that goes nowhere: writes down what is done with it. The test plays the agent through {@link sink}. */
export class FakeExchange implements OpenedExchange {
  readonly calls: string[] = [];
  closed = false;
  pipe = false;
  sendEnded = false;
  headReceived = false;
  informationalCount = 0;
  openedAt = 0;
  pendingBytes = 0;
  /** what sendData answers */
  hasRoom = true;

  constructor(
    readonly openHead: OpenHead,
    /** of whoever opened it */
    readonly sink: ResponseSink,
    readonly id = 1,
    readonly connection: Carrier = { id: 'c1' },
  ) {}

  sendData(bytes: Buffer): boolean {
    this.calls.push(`data ${String(bytes)}`);
    return this.hasRoom;
  }

  sendEnd(trailers?: FlatHeaders): void {
    this.calls.push(trailers === undefined ? 'end' : `end ${trailers.join()}`);
  }

  reset(code: ResetCode): void {
    if (this.closed) return;
    this.closed = true;
    this.calls.push(`reset ${code}`);
  }

  consumed(bytes: number): void {
    this.calls.push(`consumed ${bytes}`);
  }

  discard(): void {
    this.calls.push('discard');
  }
}
