import type { Delivery, Invocation } from '../../invocation/invocation.js';
import { ownInvocation } from '../../runtime/isolation.js';
import { wholeNumber } from '../../numbers.js';
import type { BusHandler, Subscription } from '../invocation-bus.js';
import { closedBus, workerLost } from '../refusals.js';
import { type Fate, MemoryCall } from './call.js';
import { Dispatcher } from './dispatcher.js';
import type { Lane } from './routing.js';
import { Worker } from './worker.js';
import { steadyNow } from '../../runtime/clock.js';

/**
 * Runs the calls of a process at its subscriptions: their order, bounds, deadlines, places and dead letters. Who
 * calls, and from where, is the business of the bus around it.
 */
export class Engine extends Dispatcher {
  private readonly workers = new Set<Worker>();

  /**
   * Takes a call; `fate` is told what came of it, once.
   *
   * @param invocation copied, unless it came from elsewhere: then it is this engine's own
   * @param attempt deliveries that other processes have begun
   * @throws ServicesError see {@link InvocationBus.invoke}
   */
  accept(
    invocation: Invocation,
    delivery: Delivery,
    deadline: number,
    fate: Fate,
    signal?: AbortSignal,
    attempt = 0,
  ): MemoryCall {
    const lane = this.intake.admit(invocation, signal, deadline <= steadyNow());
    const own = fate.giveBack === undefined ? ownInvocation(invocation) : invocation;
    const call = new MemoryCall(own, delivery, deadline, lane, fate, signal, this.abandon);
    call.attempt = attempt;
    lane.scope.keep(lane);
    this.intake.accepted(own.payload);
    this.deadlines.add(call);
    const { group } = lane;
    const free = lane.waiting.size === 0 && lane.mayBegin && group.ready.size === 0;
    const worker = free ? group.pick() : undefined;
    if (worker === undefined) {
      lane.waiting.push(call);
      lane.update();
    } else {
      this.begin(call, worker);
    }
    return call;
  }

  /** A worker for a subscription, which takes calls at once. */
  serve(subscription: Subscription, handler: BusHandler): Worker {
    const { service, partition, objectId, statelessMethods } = subscription;
    const concurrency = wholeNumber('concurrency', subscription.concurrency);
    const scope = this.intake.scopeFor(service, partition);
    const worker = new Worker(scope, objectId, concurrency, handler);
    scope.join(worker, statelessMethods);
    this.workers.add(worker);
    this.feed(worker);
    return worker;
  }

  close(): void {
    this.deadlines.close();
    for (const worker of this.workers) {
      worker.open = false;
      for (let call = worker.running.first; call !== undefined; call = worker.running.first) {
        const run = this.release(call, worker);
        const { fate, attempt, invocation, delivery } = call;
        if (fate.giveBack === undefined) this.fail(call, closedBus());
        else if (delivery === 'at-most-once') this.fail(call, workerLost(invocation, attempt));
        else this.handBack(call);
        run?.cut(closedBus());
      }
      worker.settleIdle();
    }
    this.workers.clear();
    for (const { waiting } of this.intake.lanes()) {
      for (let call = waiting.first; call !== undefined; call = waiting.first) {
        waiting.remove(call);
        if (call.fate.giveBack === undefined) this.fail(call, closedBus());
        else this.handBack(call);
      }
    }
  }

  /**
   * Takes nothing new; resolves when what runs has ended, or was cut off after `timeoutMs`.
   *
   * @param left called when nothing can reach the worker any more, and again when what it ran was cut off
   */
  stop(worker: Worker, timeoutMs: number, left?: () => void): Promise<void> {
    if (worker.open) {
      worker.open = false;
      const { scope, objectId } = worker;
      scope.leave(worker);
      left?.();
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
      const cut = (): void => {
        if (worker.running.size > 0) this.cut(worker, left);
        worker.settleIdle();
      };
      if (worker.running.size > 0 && timeoutMs > 0) timer = setTimeout(cut, timeoutMs);
      else cut();
      worker.onIdle(done);
    });
  }

  /** What still runs is handled as if the worker had died. */
  private cut(worker: Worker, then?: () => void): void {
    for (let call = worker.running.first; call !== undefined; call = worker.running.first) {
      this.cutCall(call, worker);
    }
    then?.();
  }

  private cutCall(call: MemoryCall, worker: Worker): void {
    const { lane, invocation } = call;
    const run = this.release(call, worker);
    if (call.delivery === 'at-most-once' || call.attempt >= this.limits.maxDeliveries) {
      const error = workerLost(invocation, call.attempt);
      this.letters.add(call, 'worker-lost', error.message);
      this.fail(call, error);
    } else if (call.deadline <= steadyNow()) {
      this.drop(call);
    } else {
      // First again: it was accepted before all that wait.
      lane.waiting.unshift(call);
    }
    this.ended(lane);
    run?.cut(workerLost(invocation, call.attempt));
    this.dispatch(lane.group);
  }

  /** Calls of objects that run are cut off: somebody else may have the objects by now. */
  cutObjects(): void {
    for (const worker of this.workers) {
      const calls: MemoryCall[] = [];
      for (let call = worker.running.first; call !== undefined; call = call.next)
        if (call.lane.serial) calls.push(call);
      for (const call of calls) this.cutCall(call, worker);
    }
  }

  /** Whether somebody here would take such a call, were its object this process's. */
  serves({ service, partition, method, objectId }: Invocation): boolean {
    const scope = this.intake.find(service, partition);
    const group = objectId === undefined ? scope?.methods.get(method)?.group : scope?.groupOf(objectId);
    return group !== undefined && group.workers.length > 0;
  }

  /** Who has which object has changed: what others have now is given back, what came here may begin. */
  sweep(): void {
    for (const lane of this.intake.lanes()) {
      const place = lane.serial ? this.placement?.of(lane.scope.service, lane.scope.partition, lane.name) : 'here';
      const elsewhere = place === 'elsewhere' || lane.group.workers.length === 0;
      lane.held = place === 'wait' || elsewhere;
      if (!elsewhere) this.leaving.delete(lane);
      else if (lane.serial && lane.active > 0) this.leaving.add(lane);
      if (elsewhere) this.giveBack(lane);
      lane.update();
      this.dispatch(lane.group);
    }
  }

  /** Objects that others have now, and that still run something here. */
  *left(): Iterable<Lane> {
    yield* this.leaving;
  }

  private giveBack({ waiting }: Lane): void {
    for (let call = waiting.first; call !== undefined; call = waiting.first) {
      waiting.remove(call);
      this.handBack(call);
    }
  }

  private handBack(call: MemoryCall): void {
    this.end(call);
    call.fate.giveBack?.(call.attempt);
  }
}
