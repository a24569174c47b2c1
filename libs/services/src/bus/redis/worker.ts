import { ServicesError } from '../../errors.js';
import type { InvocationReply } from '../../invocation/invocation.js';
import { errorReply } from '../../invocation/replies.js';
import { handlerFailed, isDeadLetter, messageIn } from '../handler-reply.js';
import type { BusHandler, Subscription } from '../invocation-bus.js';
import type { RedisDelivery } from './delivery.js';
import { encodeReply, MAX_HEAD_BYTES, scopeOf } from './message.js';
import { type Args, type Op, Step } from './pipeline.js';
import type { Session } from './session.js';

/** A subscription of this process and what it runs. */
export class Worker {
  open = true;
  readonly running = new Set<RedisDelivery>();
  /** the broker knows of it */
  onJoined = (): void => undefined;
  /** the bus is closed */
  onClosed = (): void => undefined;
  readonly #idle: (() => void)[] = [];
  /** it has left, and what it had begun has not ended */
  #stays = false;

  constructor(
    readonly number: string,
    readonly subscription: Subscription,
    private readonly handler: BusHandler,
    private readonly session: Session,
    private readonly maxReplyBytes: number,
    private readonly onEnd: (delivery: RedisDelivery) => void,
  ) {}

  /** Takes part from when the broker has done it, see {@link onJoined}. */
  join(): void {
    this.session.pipeline.push(new Join(this, this.session));
  }

  async run(delivery: RedisDelivery): Promise<void> {
    this.running.add(delivery);
    const { id } = delivery.invocation;
    let reply: InvocationReply;
    try {
      reply = await this.handler(delivery);
    } catch (thrown) {
      reply = handlerFailed(thrown, id);
    }
    // Lost meanwhile: somebody else has it, or nobody any more.
    if (delivery.isCut) return;
    let answer = encodeReply(reply, id);
    const length = reply.payload?.length ?? 0;
    if (length > this.maxReplyBytes || answer.length > length + MAX_HEAD_BYTES) {
      reply = errorReply(
        id,
        new ServicesError(
          'BERTH_SERVICE_BAD_RESULT',
          `the reply has ${length} bytes, and ${answer.length - length} of headers; ` +
            `maxPayloadBytes is ${this.maxReplyBytes}, and headers have at most ${MAX_HEAD_BYTES}`,
        ),
      );
      answer = encodeReply(reply, id);
    }
    const failed = delivery.delivery === 'at-least-once' && isDeadLetter(reply, delivery.reason);
    delivery.answer(answer, failed ? { message: messageIn(reply) ?? '' } : undefined);
    this.session.pipeline.push(delivery);
    this.#ended(delivery);
  }

  /** Takes nothing new. What was given to it and has not begun goes to others. */
  leave(): void {
    if (!this.open) return;
    this.open = false;
    const { worker, pipeline } = this.session;
    const begun = [...this.running].map(({ id }) => id);
    this.#stays = begun.length > 0;
    pipeline.push(new Step(['L', worker, this.number, String(begun.length), ...begun]));
  }

  /** Nothing runs any more of what had begun when it left: the broker need not tell it who leaves. */
  left(): void {
    if (!this.#stays) return;
    this.#stays = false;
    const { worker, pipeline } = this.session;
    pipeline.push(new Step(['L', worker, this.number, '0']));
  }

  /**
   * What still runs is handled as if this worker had died.
   *
   * @param reason for the signal of each
   * @param known whether the broker has seen to it already
   */
  cut(reason: (delivery: RedisDelivery) => ServicesError, known = false): void {
    const lost = [...this.running];
    if (lost.length > 0 && !known) {
      const { worker, pipeline } = this.session;
      pipeline.push(new Step(['X', worker, String(lost.length), ...lost.map(({ id }) => id)]));
    }
    for (const delivery of lost) {
      this.#ended(delivery);
      delivery.cut(reason(delivery));
    }
  }

  /** Resolves when nothing runs any more. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.running.size === 0) resolve();
      else this.#idle.push(resolve);
    });
  }

  #ended(delivery: RedisDelivery): void {
    this.running.delete(delivery);
    this.onEnd(delivery);
    if (this.running.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

class Join implements Op {
  readonly size = 200;
  /** A step is done under the name it was made for: written again under a later one, it would join somebody who left. */
  private readonly name: string;

  constructor(
    private readonly worker: Worker,
    private readonly session: Session,
  ) {
    this.name = session.worker;
  }

  /** Under a new name all that are open join again, see {@link Worker.join}. */
  get withdrawn(): boolean {
    return !this.worker.open || this.name !== this.session.worker;
  }

  write(args: Args): void {
    const { service, partition, objectId, statelessMethods, concurrency } = this.worker.subscription;
    const methods = [...new Set(statelessMethods)];
    args.push('J', this.name, this.worker.number, scopeOf(service, partition), String(concurrency));
    args.push(objectId ?? '', String(methods.length), ...methods);
  }

  accepted(): void {
    if (this.name === this.session.worker) this.worker.onJoined();
  }

  /** All that are open join again, when the broker has forgotten them. */
  forgotten(): void {
    return undefined;
  }
}
