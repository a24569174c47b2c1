import type { ServicesError } from '../errors.js';
import type { Invocation, InvocationReply } from '../invocation/invocation.js';
import { handlerFailed, isDeadLetter, messageIn } from './handler-reply.js';
import type {
  BusCallOptions,
  BusHandler,
  BusSubscription,
  DeadLetter,
  InvocationBus,
  Subscription,
} from './invocation-bus.js';
import { MemoryCall, MemoryDelivery } from './memory/call.js';
import { Deadlines } from '../runtime/deadlines.js';
import { handlerReply } from './memory/handler-reply.js';
import { Intake } from './memory/intake.js';
import { lendInvocation, ownInvocation } from '../runtime/isolation.js';
import { type MemoryBusLimits, memoryBusLimits, type MemoryBusOptions } from './memory/options.js';
import { cancelled, checkDeadline, closedBus, timedOut, workerLost } from './refusals.js';
import type { Group, Lane } from './memory/routing.js';
import { wholeNumber } from '../runtime/whole-number.js';
import { Worker } from './memory/worker.js';

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
export class MemoryBus implements InvocationBus {
  private readonly limits: MemoryBusLimits;
  private readonly intake: Intake;
  private readonly workers = new Set<Worker>();
  private readonly deadlines = new Deadlines<MemoryCall>((call) => {
    this.expire(call);
  });
  private closed = false;

  /** @throws ServicesError `BERTH_SERVICE_INVALID` for a bound that is no whole number from 1 */
  constructor(options: MemoryBusOptions = {}) {
    this.limits = memoryBusLimits(options);
    this.intake = new Intake(this.limits);
  }

  invoke(invocation: Invocation, options: BusCallOptions): Promise<InvocationReply> {
    return new Promise((resolve, reject) => {
      if (this.closed) throw closedBus();
      const now = Date.now();
      const deadline = invocation.deadline ?? now + this.limits.defaultTimeoutMs;
      const { delivery, signal } = options;
      // What is thrown here rejects the promise.
      checkDeadline(deadline);
      const lane = this.intake.admit(invocation, signal, deadline <= now);
      const own = ownInvocation(invocation);
      const call = new MemoryCall(own, delivery, deadline, lane, resolve, reject, signal, this.abandon);
      lane.scope.keep(lane);
      this.intake.accepted(own.payload);
      this.deadlines.add(call);
      const { group } = lane;
      const free = lane.waiting.size === 0 && !(lane.serial && lane.active > 0) && group.ready.size === 0;
      const worker = free ? group.pick() : undefined;
      if (worker === undefined) {
        lane.waiting.push(call);
        lane.update();
      } else {
        this.begin(call, worker);
      }
    });
  }

  serve(subscription: Subscription, handler: BusHandler): Promise<BusSubscription> {
    return new Promise((resolve) => {
      if (this.closed) throw closedBus();
      const { service, partition, objectId, statelessMethods } = subscription;
      const concurrency = wholeNumber('concurrency', subscription.concurrency);
      const scope = this.intake.scopeFor(service, partition);
      const worker = new Worker(scope, objectId, concurrency, handler);
      scope.join(worker, statelessMethods);
      this.workers.add(worker);
      this.feed(worker);
      resolve({
        get state() {
          return worker.open ? 'running' : 'stopped';
        },
        stop: (timeoutMs) => this.stop(worker, timeoutMs),
      });
    });
  }

  health(): { readonly state: 'up' | 'closed' } {
    return { state: this.closed ? 'closed' : 'up' };
  }

  deadLetters(service: string, partition: number, limit = Infinity): Promise<DeadLetter[]> {
    if (this.closed) return Promise.reject(closedBus());
    return Promise.resolve(this.intake.find(service, partition)?.deadLetters.list(limit) ?? []);
  }

  removeDeadLetter(service: string, partition: number, id: string): Promise<boolean> {
    if (this.closed) return Promise.reject(closedBus());
    return Promise.resolve(this.intake.find(service, partition)?.deadLetters.remove(id) ?? false);
  }

  close(): Promise<void> {
    if (this.closed) return Promise.resolve();
    this.closed = true;
    this.deadlines.close();
    for (const worker of this.workers) {
      worker.open = false;
      for (let call = worker.running.first; call !== undefined; call = worker.running.first) {
        const run = this.release(call, worker);
        this.fail(call, closedBus());
        run?.cut(closedBus());
      }
      worker.settleIdle();
    }
    this.workers.clear();
    for (const { waiting } of this.intake.lanes()) {
      for (let call = waiting.first; call !== undefined; call = waiting.first) {
        waiting.remove(call);
        this.fail(call, closedBus());
      }
    }
    return Promise.resolve();
  }

  private begin(call: MemoryCall, worker: Worker): void {
    call.attempt += 1;
    call.lane.active += 1;
    worker.running.push(call);
    const { invocation, delivery, attempt } = call;
    // What may be delivered again must not show the changes of the first handler.
    const lent = delivery === 'at-least-once' ? lendInvocation(invocation) : invocation;
    const run = new MemoryDelivery(lent, delivery, attempt);
    call.running = run;
    void this.run(call, run, worker);
  }

  private async run(call: MemoryCall, run: MemoryDelivery, worker: Worker): Promise<void> {
    const { id } = call.invocation;
    let reply: InvocationReply;
    try {
      reply = handlerReply(await worker.handler(run), id, this.limits.maxPayloadBytes);
    } catch (thrown) {
      // A handler that throws at once must not begin the next one on its stack: queues are longer than stacks.
      await Promise.resolve();
      reply = handlerFailed(thrown, id);
    }
    // Cut off meanwhile: somebody else has it, or nobody any more.
    if (call.running !== run) return;
    this.release(call, worker);
    if (call.delivery === 'at-least-once' && isDeadLetter(reply, run.reason))
      call.lane.scope.deadLetters.add(call, 'failed', messageIn(reply));
    this.end(call);
    call.resolve(reply);
    call.lane.update();
    this.feed(worker);
    this.dispatch(call.lane.group);
  }

  /** Lets free workers begin what is ready; restores the invariant of {@link Group}. */
  private dispatch(group: Group): void {
    while (group.ready.size > 0) {
      const worker = group.pick();
      if (worker === undefined) return;
      this.beginNext(group, worker);
    }
  }

  /** Gives a worker all it can take. */
  private feed(worker: Worker): void {
    while (worker.open && worker.free) {
      const group = worker.nextGroup();
      if (group === undefined) return;
      this.beginNext(group, worker);
    }
  }

  private beginNext(group: Group, worker: Worker): void {
    const lane = group.ready.first as Lane;
    const call = lane.waiting.first as MemoryCall;
    lane.waiting.remove(call);
    // Lanes take turns: this one goes to the end.
    group.ready.remove(lane);
    if (call.deadline <= Date.now()) {
      this.drop(call);
      lane.update();
      return;
    }
    // The handler begins within begin(), and whatever it calls must find the lane as it will be.
    if (!lane.serial) lane.update();
    this.begin(call, worker);
  }

  /** Its deadline has come. */
  private expire(call: MemoryCall): void {
    if (call.running === undefined) {
      call.list?.remove(call);
      this.drop(call);
      call.lane.update();
    } else {
      this.leave(call, timedOut(call.invocation));
    }
  }

  /** Its caller has left. */
  private readonly abandon = (call: MemoryCall): void => {
    const error = cancelled(call.invocation);
    // What has begun once is on its way, even while it waits for another worker.
    if (call.attempt > 0) {
      this.leave(call, error);
      return;
    }
    call.list?.remove(call);
    this.fail(call, error);
    call.lane.update();
  };

  /** The caller gets an error; what runs may end. */
  private leave(call: MemoryCall, error: ServicesError): void {
    call.reject(error);
    call.running?.abort(error);
  }

  /** Too late for a call that is in no list any more. */
  private drop(call: MemoryCall): void {
    if (call.delivery === 'at-least-once') call.lane.scope.deadLetters.add(call, 'expired');
    this.fail(call, timedOut(call.invocation));
  }

  private stop(worker: Worker, timeoutMs: number): Promise<void> {
    if (worker.open) {
      worker.open = false;
      const { scope, objectId } = worker;
      scope.leave(worker);
      // The queue of its object may have gone to those for every object.
      if (objectId !== undefined) this.dispatch(scope.groupOf(objectId));
    }
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const done = (): void => {
        clearTimeout(timer);
        this.workers.delete(worker);
        resolve();
      };
      if (worker.running.size > 0 && timeoutMs > 0) timer = setTimeout(() => this.cut(worker), timeoutMs);
      else this.cut(worker);
      worker.onIdle(done);
    });
  }

  /** What still runs is handled as if the worker had died. */
  private cut(worker: Worker): void {
    for (let call = worker.running.first; call !== undefined; call = worker.running.first) {
      const { lane, invocation } = call;
      const run = this.release(call, worker);
      if (call.delivery === 'at-most-once' || call.attempt >= this.limits.maxDeliveries) {
        const error = workerLost(invocation, call.attempt);
        lane.scope.deadLetters.add(call, 'worker-lost', error.message);
        this.fail(call, error);
      } else if (call.deadline <= Date.now()) {
        this.drop(call);
      } else {
        // First again: it was accepted before all that wait.
        lane.waiting.unshift(call);
      }
      lane.update();
      run?.cut(workerLost(invocation, call.attempt));
      this.dispatch(lane.group);
    }
    worker.settleIdle();
  }

  /** Takes a running call from its worker; what its handler does from now on counts no more. */
  private release(call: MemoryCall, worker: Worker): MemoryDelivery | undefined {
    const run = call.running;
    call.running = undefined;
    call.lane.active -= 1;
    worker.running.remove(call);
    if (!worker.open) worker.settleIdle();
    return run;
  }

  private fail(call: MemoryCall, error: ServicesError): void {
    this.end(call);
    call.reject(error);
  }

  private end(call: MemoryCall): void {
    this.intake.ended(call.invocation.payload);
    this.deadlines.remove(call);
    call.forgetCaller();
  }
}
