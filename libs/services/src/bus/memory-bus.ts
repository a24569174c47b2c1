import type { Invocation, InvocationReply } from '../invocation/invocation.js';
import type { BusCallOptions, BusHandler, BusSubscription, InvocationBus, Subscription } from './invocation-bus.js';
import { Engine } from './memory/engine.js';
import { type BusLimits, busLimits, type BusOptions } from './bus-options.js';
import { LetteredBus } from './lettered-bus.js';
import { checkDeadline } from './refusals.js';
import { steadyNow } from '../runtime/clock.js';

/**
 * The bus of mock mode (checklist B15) and of programs that are one process:
 * no socket, and everything is forgotten with the process.
 *
 * Beyond what {@link InvocationBus} says: an invocation that was accepted while
 * its agent is gone waits for the next one until its deadline (without one, for
 * `defaultTimeoutMs`). A caller that leaves before a method has begun takes its
 * invocation along. A handler that does not end keeps its object until its
 * subscription is stopped: two at once would be worse. The dead letter of an
 * at-most-once invocation shows the payload as the handler left it, all else is
 * as the caller sent it.
 */
export class MemoryBus extends LetteredBus implements InvocationBus {
  private readonly limits: BusLimits;
  private readonly engine: Engine;

  /** @throws ServicesError `BERTH_SERVICE_INVALID` for a bound that is no whole number from 1 */
  constructor(options: BusOptions = {}) {
    super(options);
    this.limits = busLimits(options);
    this.engine = new Engine(this.limits, this.letters);
  }

  invoke(invocation: Invocation, { delivery, signal }: BusCallOptions): Promise<InvocationReply> {
    return new Promise((resolve, reject) => {
      this.checkOpen();
      const deadline = invocation.deadline ?? steadyNow() + this.limits.defaultTimeoutMs;
      // What is thrown here rejects the promise.
      checkDeadline(deadline);
      this.engine.accept(invocation, delivery, deadline, { resolve, reject }, signal);
    });
  }

  serve(subscription: Subscription, handler: BusHandler): Promise<BusSubscription> {
    return new Promise((resolve) => {
      this.checkOpen();
      const worker = this.engine.serve(subscription, handler);
      resolve({
        get state() {
          return worker.open ? 'running' : 'stopped';
        },
        stop: (timeoutMs) => this.engine.stop(worker, timeoutMs),
      });
    });
  }

  health(): { readonly state: 'up' | 'closed' } {
    return { state: this.closed ? 'closed' : 'up' };
  }

  async close(): Promise<void> {
    if (!this.closed) this.engine.close();
    this.closed = true;
    await this.letters.close();
  }
}
