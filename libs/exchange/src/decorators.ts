import type { DispatchSink, Waiting } from './dispatch.js';
import type { Carrier, OpenedExchange } from './exchange.js';
import type { FlatHeaders } from './flat-headers.js';
import type { InterimHead, OpenHead, ResetCode, ResponseHead } from './heads.js';
import type { ExchangeFailure } from './sinks.js';

/** Hands what comes of a request on, unchanged: for handlers that see a part of it. */
export class SinkDecorator implements DispatchSink {
  /** @param sink of whoever is further out */
  constructor(protected readonly sink: DispatchSink) {}

  opened(exchange: OpenedExchange): void {
    this.sink.opened(exchange);
  }

  waiting(wait: Waiting): void {
    this.sink.waiting(wait);
  }

  informational(head: InterimHead): void {
    this.sink.informational(head);
  }

  head(head: ResponseHead): void {
    this.sink.head(head);
  }

  data(bytes: Buffer): void {
    this.sink.data(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    this.sink.end(trailers);
  }

  failed(failure: ExchangeFailure): void {
    this.sink.failed(failure);
  }

  writable(): void {
    this.sink.writable();
  }

  progressed(): void {
    this.sink.progressed?.();
  }
}

/** The same for both directions: an exchange to whoever is further out, and a sink to what is further in. */
export class ExchangeDecorator extends SinkDecorator implements OpenedExchange {
  /** towards the agent; there once {@link opened} was called */
  protected next!: OpenedExchange;

  override opened(exchange: OpenedExchange): void {
    this.next = exchange;
    this.sink.opened(this);
  }

  get id(): number {
    return this.next.id;
  }

  get openHead(): OpenHead {
    return this.next.openHead;
  }

  get pipe(): boolean {
    return this.next.pipe;
  }

  get closed(): boolean {
    return this.next.closed;
  }

  get sendEnded(): boolean {
    return this.next.sendEnded;
  }

  get connection(): Carrier {
    return this.next.connection;
  }

  get openedAt(): number {
    return this.next.openedAt;
  }

  get pendingBytes(): number {
    return this.next.pendingBytes;
  }

  get headReceived(): boolean {
    return this.next.headReceived;
  }

  get informationalCount(): number {
    return this.next.informationalCount;
  }

  sendData(bytes: Buffer): boolean {
    return this.next.sendData(bytes);
  }

  sendEnd(trailers?: FlatHeaders): void {
    this.next.sendEnd(trailers);
  }

  reset(code: ResetCode, message?: string): void {
    this.next.reset(code, message);
  }

  consumed(bytes: number): void {
    this.next.consumed(bytes);
  }

  discard(): void {
    this.next.discard();
  }
}
