import { messageOf } from '@berth/errors';
import { LimitedLog, type Log } from '@berth/observability';
import { messageIn } from '../bus/handler-reply.js';
import type { InvocationBus, RetryOptions } from '../bus/invocation-bus.js';
import { ServicesError } from '../errors.js';
import { cutText } from '../invocation/error-text.js';
import {
  type Delivery,
  type Invocation,
  invocationKey,
  type InvocationReply,
  InvocationStatus,
} from '../invocation/invocation.js';
import { isFailure } from '../invocation/replies.js';
import { wholeNumber } from '../numbers.js';
import { steadyNow } from '../runtime/clock.js';
import type { DeadLetter, DeadLetterLimits, DeadLetterStore } from './dead-letter.js';

/** What is known of a call that nobody could complete. */
export interface Undelivered {
  readonly invocation: Invocation;
  readonly delivery: Delivery;
  /** deliveries begun */
  readonly attempt: number;
}

/** How long a store that is away is waited for, ms. */
const PATIENCE_MS = 30_000;
/** Until a bus that is closed gives up letters that are not written yet, ms. */
const CLOSING_MS = 1_000;

/** The dead letters of a bus. They are written beside its calls, which wait for none and fail with none. */
export class LetterBox {
  private log: LimitedLog | undefined;
  private readonly writing = new Set<Promise<void>>();
  private writingBytes = 0;
  /** letters that are being called again */
  private readonly retries = new Map<string, Promise<InvocationReply | undefined>>();

  /** @param limits more than so many, or so many bytes, do not wait to be written: the store is away then */
  constructor(
    readonly store: DeadLetterStore,
    private readonly limits: DeadLetterLimits & { readonly defaultTimeoutMs: number },
  ) {}

  /** Where letters that cannot be written are told of, a few in a while. */
  useLog(log: Log): void {
    this.log = new LimitedLog(log);
  }

  add({ invocation, delivery, attempt }: Undelivered, reason: DeadLetter['reason'], message?: string): void {
    const key = invocationKey(invocation);
    const at = new Date().toISOString();
    const text = message === undefined ? undefined : cutText(message);
    const { deadLetterTotal, deadLetterTotalBytes } = this.limits;
    const { length } = invocation.payload;
    // Its deadline is by this process's clock, and has passed or is of no use.
    const call = { ...invocation, deadline: undefined };
    const letter = { id: call.id, key, invocation: call, delivery, attempts: attempt, reason, message: text, at };
    if (this.writing.size >= deadLetterTotal || this.writingBytes + length > deadLetterTotalBytes) {
      this.lost(letter, 'too many wait to be written');
      return;
    }
    this.writingBytes += length;
    const written = this.write(letter).finally(() => {
      this.writing.delete(written);
      this.writingBytes -= length;
    });
    this.writing.add(written);
  }

  /**
   * Calls a letter again. It goes when the call is OKAY, and has a newer reason when it has failed again.
   *
   * @returns undefined: there is no such letter
   * @throws ServicesError what `invoke` throws, the letter is kept then; `BERTH_SERVICE_STORE_UNAVAILABLE`
   */
  retry(
    { service, partition, id }: { readonly service: string; readonly partition: number; readonly id: string },
    options: RetryOptions | undefined,
    invoke: InvocationBus['invoke'],
  ): Promise<InvocationReply | undefined> {
    const key = `${service}/${partition}/${id}`;
    let running = this.retries.get(key);
    if (running === undefined) {
      running = this.callAgain([service, partition, id], options ?? {}, invoke).finally(() => this.retries.delete(key));
      this.retries.set(key, running);
    }
    return running;
  }

  private async callAgain(
    place: readonly [service: string, partition: number, id: string],
    { timeoutMs, signal }: RetryOptions,
    invoke: InvocationBus['invoke'],
  ): Promise<InvocationReply | undefined> {
    const letter = await this.store.get(...place);
    if (letter === undefined) return undefined;
    const { delivery, attempts: attempt } = letter;
    const deadline = steadyNow() + wholeNumber('timeoutMs', timeoutMs ?? this.limits.defaultTimeoutMs);
    // Those that waited for it have long gone.
    const invocation = { ...letter.invocation, chain: undefined, deadline };
    let reply: InvocationReply;
    try {
      reply = await invoke(invocation, { delivery, signal });
    } catch (thrown) {
      // Whatever else is thrown, either nothing was begun, or the bus writes the letter.
      if (thrown instanceof ServicesError && thrown.code === 'BERTH_SERVICE_TIMEOUT')
        this.add({ invocation, delivery, attempt }, 'expired', thrown.message);
      throw thrown;
    }
    if (reply.status === InvocationStatus.OKAY) await this.done(letter);
    // The bus has written those that are at-least-once.
    else if (delivery === 'at-most-once' || !isFailure(reply))
      this.add({ invocation, delivery, attempt: attempt + 1 }, 'failed', messageIn(reply));
    return reply;
  }

  private async done({ id, key, invocation: { service, partition } }: DeadLetter): Promise<void> {
    try {
      await this.store.remove(service, partition, id);
    } catch (thrown) {
      this.log?.error({ key, because: messageOf(thrown) }, 'a dead letter was carried out, and could not be removed');
    }
  }

  /** Resolves when all letters are written, or have had the time for it. */
  async close(): Promise<void> {
    if (this.writing.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, CLOSING_MS);
    });
    await Promise.race([Promise.all(this.writing), late]);
    clearTimeout(timer);
  }

  private async write(letter: DeadLetter): Promise<void> {
    try {
      await this.store.add(letter, steadyNow() + PATIENCE_MS);
    } catch (thrown) {
      this.lost(letter, messageOf(thrown));
    }
  }

  private lost({ key, reason, message }: DeadLetter, because: string): void {
    this.log?.error({ key, reason, message, because }, 'a dead letter is lost: it could not be kept');
  }
}
