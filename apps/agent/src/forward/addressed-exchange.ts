import type {
  BodySink,
  FlatHeaders,
  IncomingExchange,
  InterimHead,
  OpenHead,
  ResetCode,
  ResponseHead,
} from '@berth/exchange';
import type { Addressing } from './addressing.js';

/** An exchange whose service sees another address than its client. Hands all else on. */
export class AddressedExchange implements IncomingExchange {
  readonly openHead: OpenHead;

  constructor(
    private readonly inner: IncomingExchange,
    private readonly addressing: Addressing,
  ) {
    this.openHead = addressing.request(inner.openHead);
  }

  get id(): number {
    return this.inner.id;
  }

  get pipe(): boolean {
    return this.inner.pipe;
  }

  get closed(): boolean {
    return this.inner.closed;
  }

  get sendEnded(): boolean {
    return this.inner.sendEnded;
  }

  get sink(): BodySink {
    return this.inner.sink;
  }

  set sink(sink: BodySink) {
    this.inner.sink = sink;
  }

  sendHead(head: ResponseHead): void {
    this.addressing.answer(head.headers, this.inner.openHead);
    this.inner.sendHead(head);
  }

  sendInformational(head: InterimHead): void {
    this.inner.sendInformational(head);
  }

  sendData(bytes: Buffer): boolean {
    return this.inner.sendData(bytes);
  }

  sendEnd(trailers?: FlatHeaders): void {
    this.inner.sendEnd(trailers);
  }

  reset(code: ResetCode, message?: string): void {
    this.inner.reset(code, message);
  }

  consumed(bytes: number): void {
    this.inner.consumed(bytes);
  }

  discard(): void {
    this.inner.discard();
  }
}
