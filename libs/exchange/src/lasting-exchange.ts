import { ExchangeDecorator } from './decorators.js';
import type { Waiting } from './dispatch.js';
import type { OpenedExchange } from './exchange.js';
import type { FlatHeaders } from './flat-headers.js';
import type { ExchangeFailure } from './sinks.js';

/** For handlers that hold something for as long as a request lasts: tells them once when it is over for its client. */
export abstract class LastingExchange extends ExchangeDecorator implements Waiting {
  /** there has been an exchange, which its client will leave */
  protected hasOpened = false;
  protected isOver = false;
  private wait: Waiting | undefined;

  /** Called once, whatever became of it: its client has left it, or was answered without an exchange. */
  protected abstract over(): void;

  override opened(exchange: OpenedExchange): void {
    this.hasOpened = true;
    super.opened(exchange);
  }

  override waiting(wait: Waiting): void {
    this.wait = wait;
    this.sink.waiting(this);
  }

  /** of whoever waits for the exchange */
  cancel(): void {
    this.wait?.cancel();
    this.finish();
  }

  override end(trailers: FlatHeaders | undefined): void {
    this.sink.end(trailers);
    if (!this.hasOpened) this.finish();
  }

  override failed(failure: ExchangeFailure): void {
    this.sink.failed(failure);
    if (!this.hasOpened) this.finish();
  }

  override discard(): void {
    this.next.discard();
    this.finish();
  }

  /** Idempotent. */
  protected finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.over();
  }
}
