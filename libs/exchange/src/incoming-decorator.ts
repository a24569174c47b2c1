import type { IncomingExchange } from './exchange.js';
import type { FlatHeaders } from './flat-headers.js';
import type { InterimHead, OpenHead, ResetCode, ResponseHead } from './heads.js';
import type { BodySink } from './sinks.js';

/** Hands on, unchanged, what becomes of an exchange at the side that answers it: for what changes or sees a part of it. */
export class IncomingDecorator implements IncomingExchange {
  /** @param openHead as who answers it is to see it */
  constructor(
    protected readonly inner: IncomingExchange,
    readonly openHead: OpenHead = inner.openHead,
  ) {}

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
