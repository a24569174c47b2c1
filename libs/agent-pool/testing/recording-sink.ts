import type { Exchange, ExchangeFailure, FlatHeaders, InterimHead, ResponseHead, ResponseSink } from '@berth/exchange';

/** Takes whatever comes on one exchange, at either end, and writes it down. */
export class RecordingSink implements ResponseSink {
  /** what it was told, one word each; Data is in {@link bytes} */
  readonly calls: string[] = [];
  readonly failures: ExchangeFailure[] = [];
  response: ResponseHead | undefined;
  trailers: FlatHeaders | undefined;
  private readonly chunks: Buffer[] = [];
  receivedBytes = 0;
  /** bytes that count as not yet taken, while {@link takes} is false */
  private heldBytes = 0;
  private taking = true;
  exchange: Exchange | undefined;
  onWritable: () => void = () => undefined;

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  head(head: ResponseHead): void {
    this.calls.push('head');
    this.response = head;
  }

  informational({ status }: InterimHead): void {
    this.calls.push(`informational ${status}`);
  }

  data(bytes: Buffer): void {
    if (this.calls.at(-1) !== 'data') this.calls.push('data');
    this.chunks.push(bytes);
    this.receivedBytes += bytes.length;
    if (this.taking) this.exchange?.consumed(bytes.length);
    else this.heldBytes += bytes.length;
  }

  end(trailers: FlatHeaders | undefined): void {
    this.calls.push('end');
    this.trailers = trailers;
  }

  failed(failure: ExchangeFailure): void {
    this.calls.push('failed');
    this.failures.push(failure);
  }

  writable(): void {
    this.onWritable();
  }

  /** From now on what comes is not taken. */
  hold(): this {
    this.taking = false;
    return this;
  }

  /** Takes what was held, and what comes. */
  take(): void {
    this.taking = true;
    this.exchange?.consumed(this.heldBytes);
    this.heldBytes = 0;
  }
}
