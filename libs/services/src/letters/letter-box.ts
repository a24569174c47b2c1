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

type LetterPlace = readonly [service: string, partition: number, id: string];

/** The dead letters of a bus. They are written beside its calls, which wait for none and fail with none. */
export class LetterBox {
  private log: LimitedLog | undefined;
  /** letters that are being written, and the bytes of their payloads */
  private writing = 0;
  private writingBytes = 0;
  /** somebody waits until all are written */
  private idle: PromiseWithResolvers<void> | undefined;
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

  /** What comes of one that is called again is kept by whoever calls it, before the next time that it is called. */
  add({ invocation, delivery, attempt }: Undelivered, reason: DeadLetter['reason'], message?: string): void {
    if (invocation.isRetry !== true) void this.keep({ invocation, delivery, attempts: attempt, reason, message });
  }

  /**
   * Calls a letter again. It goes when the call is OKAY, and has a newer reason when it has failed again.
   *
   * @returns undefined: there is no such letter
   * @throws ServicesError what `invoke` throws, the letter is kept then; `BERTH_SERVICE_STORE_UNAVAILABLE`
   */
  retry(
    place: LetterPlace,
    options: RetryOptions,
    invoke: InvocationBus['invoke'],
  ): Promise<InvocationReply | undefined> {
    const key = place.join('/');
    const running = this.retries.get(key);
    if (running !== undefined) return running;
    const retry = this.callAgain(place, options, invoke).finally(() => this.retries.delete(key));
    this.retries.set(key, retry);
    return retry;
  }

  /** Resolves when all letters are written, or have had the time for it. */
  async close(): Promise<void> {
    if (this.writing === 0) return;
    this.idle ??= Promise.withResolvers();
    const timer = setTimeout(this.idle.resolve, CLOSING_MS);
    await this.idle.promise;
    clearTimeout(timer);
  }

  private async callAgain(
    place: LetterPlace,
    { timeoutMs = this.limits.defaultTimeoutMs, signal }: RetryOptions,
    invoke: InvocationBus['invoke'],
  ): Promise<InvocationReply | undefined> {
    const letter = await this.store.get(...place);
    if (letter === undefined) return undefined;
    const deadline = steadyNow() + wholeNumber('timeoutMs', timeoutMs);
    // Those that waited for it have long gone.
    const call = { ...letter.invocation, chain: undefined, deadline, isRetry: true };
    const keep = (reason: DeadLetter['reason'], message: string | undefined, begun: number): Promise<void> =>
      this.keep({ ...letter, attempts: letter.attempts + begun, reason, message });
    let reply: InvocationReply;
    try {
      reply = await invoke(call, { delivery: letter.delivery, signal });
    } catch (thrown) {
      // Of whatever else is thrown, nothing was begun, or nobody has waited for its end.
      const { code, message, details = {} }: Partial<ServicesError> = thrown instanceof ServicesError ? thrown : {};
      if (code === 'BERTH_SERVICE_TIMEOUT') await keep('expired', message, 0);
      if (code === 'BERTH_SERVICE_OUTCOME_UNKNOWN')
        await keep('worker-lost', message, Number(details['attempts'] ?? 1));
      throw thrown;
    }
    if (reply.status !== InvocationStatus.OKAY) await keep('failed', messageIn(reply), 1);
    else
      await this.store.remove(...place).catch((thrown: unknown) => {
        const fields = { key: letter.key, because: messageOf(thrown) };
        this.log?.error(fields, 'a dead letter was carried out, and could not be removed');
      });
    return reply;
  }

  /** Resolves when it is written, or lost. */
  private async keep({ message, ...about }: Omit<DeadLetter, 'id' | 'key' | 'at'>): Promise<void> {
    // Its deadline is by this process's clock, and has passed or is of no use.
    const invocation = { ...about.invocation, deadline: undefined };
    const { id, payload } = invocation;
    const [key, text] = [invocationKey(invocation), message === undefined ? undefined : cutText(message)];
    const { deadLetterTotal, deadLetterTotalBytes } = this.limits;
    this.writing += 1;
    this.writingBytes += payload.length;
    try {
      if (this.writing > deadLetterTotal || this.writingBytes > deadLetterTotalBytes)
        throw new Error('too many wait to be written');
      const letter = { ...about, id, key, invocation, message: text, at: new Date().toISOString() };
      await this.store.add(letter, steadyNow() + PATIENCE_MS);
    } catch (thrown) {
      const because = messageOf(thrown);
      const fields = { key, reason: about.reason, message: text, because };
      this.log?.error(fields, 'a dead letter is lost: it could not be kept');
    } finally {
      this.writing -= 1;
      this.writingBytes -= payload.length;
      if (this.writing === 0) this.idle?.resolve();
    }
  }
}
