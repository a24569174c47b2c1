import { IncomingDecorator, type IncomingExchange, type ResponseHead } from '@berth/exchange';
import type { Addressing } from './addressing.js';

/** An exchange whose service sees another address than its client. */
export class AddressedExchange extends IncomingDecorator {
  constructor(
    inner: IncomingExchange,
    private readonly addressing: Addressing,
  ) {
    super(inner, addressing.request(inner.openHead));
  }

  override sendHead(head: ResponseHead): void {
    this.addressing.answer(head.headers, this.inner.openHead);
    super.sendHead(head);
  }
}
