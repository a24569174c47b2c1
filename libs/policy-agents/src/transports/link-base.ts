import { BerthError } from '@berth/errors';
import type { Link, LinkReceiver, TooLarge } from '../link.js';

/** What all links have in common: what comes waits for a receiver, and the end is told once. */
export abstract class LinkBase<Out, In> implements Link<Out, In> {
  private taker: LinkReceiver<In> | undefined;
  private ended: { readonly error: BerthError | undefined } | undefined;
  private isTold = false;

  constructor(readonly remote: string) {}

  get receiver(): LinkReceiver<In> {
    if (this.taker === undefined) throw new BerthError('BERTH_INTERNAL', `nobody takes what ${this.remote} sends yet`);
    return this.taker;
  }

  set receiver(taker: LinkReceiver<In>) {
    const isFirst = this.taker === undefined;
    this.taker = taker;
    if (this.ended) this.tellEnd();
    else if (isFirst) this.flow();
  }

  abstract send(message: Out, tooLarge?: TooLarge): boolean;
  abstract close(error?: BerthError): void;

  /** Somebody takes now what comes. */
  protected abstract flow(): void;

  protected get isOver(): boolean {
    return this.ended !== undefined;
  }

  protected deliver(message: In): void {
    if (!this.isOver) this.taker?.message(message);
  }

  protected drained(): void {
    if (!this.isOver) this.taker?.drained();
  }

  /** Later calls do nothing. */
  protected over(error: BerthError | undefined): void {
    if (this.ended) return;
    this.ended = { error };
    this.tellEnd();
  }

  /** In a turn of its own: who closes a link is not called back while it does. */
  private tellEnd(): void {
    queueMicrotask(() => {
      if (this.isTold || this.taker === undefined) return;
      this.isTold = true;
      this.taker.closed(this.ended?.error);
    });
  }
}
