import type { ServicesError } from '../../errors.js';
import type { Invocation } from '../../invocation/invocation.js';
import type { BusDelivery } from '../invocation-bus.js';
import type { Expiring } from '../../runtime/deadlines.js';
import type { Received } from './message.js';
import type { Args, Op } from './pipeline.js';

/** An invocation that was given to this process, and the step that answers it: one object for both. */
export class RedisDelivery implements BusDelivery, Op, Expiring {
  heapIndex = -1;
  readonly withdrawn = false;
  isCut = false;
  /** why its signal is aborted */
  reason: ServicesError | undefined;
  #controller: AbortController | undefined;
  #failure = '';
  #reply: string | Buffer = '';

  /** @param worker the name of this process when it was given */
  constructor(
    readonly id: string,
    private readonly worker: string,
    private readonly subscription: string,
    private readonly received: Received,
  ) {}

  get invocation(): Invocation {
    return this.received.invocation;
  }

  get deadline(): number {
    return this.received.deadline;
  }

  get delivery(): Received['delivery'] {
    return this.received.delivery;
  }

  get attempt(): number {
    return this.received.attempt;
  }

  /** `caller,number`: whose call it is, as the broker names it */
  get call(): string {
    return `${this.received.caller},${this.received.callNumber}`;
  }

  /** Made when somebody asks for it: most handlers never do. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.reason !== undefined) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  abort(reason: ServicesError): void {
    this.reason ??= reason;
    this.#controller?.abort(this.reason);
  }

  /** Its worker has lost it. */
  cut(reason: ServicesError): void {
    this.isCut = true;
    this.abort(reason);
  }

  /**
   * @param failure the text of an at-least-once invocation's error, for its dead letter; 'expired' is one that
   *   was not begun in time
   */
  answer(reply: string | Buffer, failure: 'expired' | { readonly message: string } | undefined): this {
    this.#reply = reply;
    // The first character keeps texts and words apart.
    this.#failure = failure === undefined ? '' : failure === 'expired' ? failure : `!${failure.message}`;
    return this;
  }

  get size(): number {
    return this.#reply.length;
  }

  write(args: Args): void {
    const { place, caller, callNumber } = this.received;
    const { scope, target } = place;
    const { worker, subscription, id } = this;
    args.push('D', worker, subscription, id, scope, target, caller, callNumber, this.#failure, this.#reply);
  }

  accepted(): void {
    return undefined;
  }

  forgotten(): void {
    return undefined;
  }
}
