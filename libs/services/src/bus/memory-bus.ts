import { type BusOptions, checkSubscription } from './bus-options.js';
import { EngineBus } from './engine-bus.js';
import { Engine } from './engine/engine.js';
import type { BusHandler, BusSubscription, InvocationBus, Subscription } from './invocation-bus.js';

/**
 * The bus of mock mode (checklist B15) and of programs that are one process:
 * no socket, and everything is forgotten with the process.
 *
 * A handler that does not end keeps its object until its subscription is stopped: two at once would be worse. The dead
 * letter of an at-most-once invocation shows the payload as the handler left it, all else is as the caller sent it.
 */
export class MemoryBus extends EngineBus implements InvocationBus {
  protected readonly engine: Engine;

  /** @throws ServicesError `BERTH_SERVICE_INVALID` for a bound that is no whole number from 1 */
  constructor(options: BusOptions = {}) {
    super(options);
    this.engine = new Engine(this.limits, this.letters);
  }

  async serve(subscription: Subscription, handler: BusHandler): Promise<BusSubscription> {
    this.checkOpen();
    checkSubscription(subscription);
    const worker = this.engine.serve(subscription, handler);
    return Promise.resolve({
      get state() {
        return worker.open ? 'running' : 'stopped';
      },
      stop: (timeoutMs) => this.engine.stop(worker, timeoutMs),
    });
  }

  health(): { readonly state: 'up' | 'closed' } {
    return { state: this.closed ? 'closed' : 'up' };
  }

  async close(): Promise<void> {
    if (!this.closed) {
      // Before: who is aborted now may call again at once.
      this.closed = true;
      this.engine.close();
    }
    await this.letters.close();
  }
}
