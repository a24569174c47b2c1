import type { Log } from '@berth/observability';
import { invalid } from '../errors.js';
import type { Invocation, InvocationReply } from '../invocation/invocation.js';
import type { DeadLetter } from '../letters/dead-letter.js';
import { LetterBox } from '../letters/letter-box.js';
import { MemoryDeadLetters } from '../letters/memory-letters.js';
import { steadyNow } from '../runtime/clock.js';
import { unfailing } from '../runtime/unfailing-log.js';
import { type BusLimits, busLimits, type BusOptions } from './bus-options.js';
import type { Engine } from './engine/engine.js';
import type { BusCallOptions, RetryOptions } from './invocation-bus.js';
import { closedBus } from './refusals.js';

/** What is the same in every bus: its engine, its dead letters, its log, and that it can be closed. */
export abstract class EngineBus {
  protected readonly letters: LetterBox;
  protected log: Log | undefined;
  protected closed = false;
  protected abstract readonly engine: Engine;

  /** @throws ServicesError `BERTH_SERVICE_INVALID` for a bound that is no whole number from 1 */
  protected constructor(
    options: BusOptions,
    protected readonly limits: BusLimits = busLimits(options),
  ) {
    this.letters = new LetterBox(options.deadLetters ?? new MemoryDeadLetters(limits), limits);
    if (options.log !== undefined) this.useLog(options.log);
  }

  invoke(invocation: Invocation, { delivery, signal }: BusCallOptions): Promise<InvocationReply> {
    return new Promise((resolve, reject) => {
      // What is thrown here rejects the promise.
      this.checkOpen();
      const deadline = invocation.deadline ?? steadyNow() + this.limits.defaultTimeoutMs;
      // It would never come, and hold up all others.
      if (Number.isNaN(deadline)) throw invalid('the deadline is no number; give ms since 1970, or none');
      this.engine.accept(invocation, delivery, deadline, { resolve, reject }, signal);
    });
  }

  useLog(log: Log): void {
    if (this.log !== undefined) return;
    this.log = unfailing(log);
    this.letters.useLog(this.log);
  }

  async deadLetters(service: string, partition: number, limit = Infinity): Promise<DeadLetter[]> {
    this.checkOpen();
    return this.letters.store.list(service, partition, limit);
  }

  async removeDeadLetter(service: string, partition: number, id: string): Promise<boolean> {
    this.checkOpen();
    return this.letters.store.remove(service, partition, id);
  }

  async retryDeadLetter(
    service: string,
    partition: number,
    id: string,
    options: RetryOptions = {},
  ): Promise<InvocationReply | undefined> {
    this.checkOpen();
    return this.letters.retry([service, partition, id], options, (call, how) => this.invoke(call, how));
  }

  protected checkOpen(): void {
    if (this.closed) throw closedBus();
  }
}
