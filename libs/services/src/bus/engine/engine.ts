import type { Delivery, Invocation } from '../../invocation/invocation.js';
import { steadyNow } from '../../runtime/clock.js';
import { ownInvocation } from '../../runtime/isolation.js';
import type { BusHandler, Subscription } from '../invocation-bus.js';
import { closedBus, workerLost } from '../refusals.js';
import { Call, type Fate } from './call.js';
import { Dispatcher } from './dispatcher.js';
import { coarse } from './hash.js';
import { Worker } from './worker.js';

/** Most objects that an announcement tells exactly. */
const MOST_HELD = 2_000;

/**
 * Runs the calls of a process at its subscriptions: their order, bounds, deadlines, places and dead letters. Where
 * there are other processes, {@link SharedEngine} adds what they serve.
 */
export class Engine extends Dispatcher {
  private readonly workers = new Set<Worker>();
  private sequence = 0;

  /**
   * Takes a call; `fate` is told what came of it, once.
   *
   * @param invocation copied, unless it came from elsewhere: then it is this engine's own
   * @param attempt deliveries that other processes have begun
   * @returns undefined: it came from elsewhere, and is not for this process
   * @throws ServicesError see {@link InvocationBus.invoke}
   */
  accept(
    invocation: Invocation,
    delivery: Delivery,
    deadline: number,
    fate: Fate,
    signal?: AbortSignal,
    attempt = 0,
  ): Call | undefined {
    const isOwn = fate.giveBack === undefined;
    const lane = this.intake.admit(invocation, isOwn, signal, deadline <= steadyNow());
    if (lane === undefined) return undefined;
    this.sequence += 1;
    const own = isOwn ? ownInvocation(invocation) : invocation;
    const call = new Call(this.sequence, own, delivery, deadline, lane, fate, signal, this);
    call.attempt = attempt;
    this.intake.keep(lane, own);
    this.intake.count(call, 1);
    this.deadlines.add(call);
    const { group } = lane;
    const free = lane.waiting.size === 0 && lane.mayBegin && group.ready.size === 0;
    const worker = free ? group.pick() : undefined;
    if (worker === undefined) {
      call.accepted = lane.isObject && !lane.elsewhere && !lane.held;
      lane.waiting.push(call);
      lane.update();
    } else {
      this.begin(call, worker);
    }
    return call;
  }

  /**
   * A worker for a subscription, which takes calls at once.
   *
   * @param since the version of this process that has it first
   */
  serve(subscription: Subscription, handler: BusHandler, since = 0): Worker {
    const { service, partition, objectId, statelessMethods, concurrency } = subscription;
    const scope = this.intake.scopeFor(service, partition);
    const begin = (call: Call, by: Worker): void => this.start(call, by, handler);
    const worker = new Worker(concurrency, begin, this.presence?.self, since, scope, objectId);
    scope.join(worker, statelessMethods, true);
    this.workers.add(worker);
    this.sweep(scope.lanes(objectId));
    return worker;
  }

  close(): void {
    this.deadlines.close();
    for (const worker of this.workers) {
      worker.open = false;
      for (const call of worker.running.all()) {
        const { running, isOwn, invocation, attempt } = call;
        this.release(call);
        if (isOwn) this.fail(call, closedBus());
        else if (this.isOver(call)) this.endLost(call, workerLost(invocation, attempt));
        else this.handBack(call);
        running?.cut(closedBus());
      }
      worker.settleIdle();
    }
    this.workers.clear();
    for (const { waiting } of this.intake.lanes())
      for (const call of waiting.all()) {
        if (!waiting.remove(call)) continue;
        if (call.isOwn) this.fail(call, closedBus());
        else this.handBack(call);
      }
  }

  /**
   * Takes nothing new; resolves when what runs has ended, or was cut off after `timeoutMs`.
   *
   * @param left called when nothing can reach the worker any more, and again when what it ran was cut off
   */
  async stop(worker: Worker, timeoutMs: number, left?: () => void): Promise<void> {
    if (worker.open) {
      worker.open = false;
      worker.scope?.leave(worker);
      this.sweep(worker.scope?.lanes(worker.objectId));
      left?.();
    }
    const cut = (): void => {
      const running = worker.running.all();
      for (const call of running) if (call.worker === worker) this.cut(call);
      if (running.length > 0) left?.();
      worker.settleIdle();
    };
    let timer: NodeJS.Timeout | undefined;
    if (worker.running.size > 0 && timeoutMs > 0) timer = setTimeout(cut, timeoutMs);
    else cut();
    await worker.idle.promise;
    clearTimeout(timer);
    this.workers.delete(worker);
  }

  /** Calls of objects that run are cut off: somebody else may have the objects by now. */
  cutObjects(): void {
    for (const { running } of this.workers)
      for (const call of running.all()) if (call.lane.isObject && call.list === running) this.cut(call);
  }

  /**
   * Who has which object has changed: each lane goes to whoever has it now, and what others called is given back.
   *
   * @param lanes those that may have changed hands: with thousands of agents to start and stop it must not be all
   */
  sweep(lanes = this.intake.lanes()): void {
    let announce = false;
    for (const lane of lanes) {
      this.intake.placed(lane);
      const isLeaving = lane.elsewhere && lane.isObject && lane.active > 0 && lane.at === this.presence?.self;
      if (isLeaving !== this.leaving.has(lane)) {
        announce = true;
        if (isLeaving) this.leaving.add(lane);
        else this.leaving.delete(lane);
      }
      if (lane.elsewhere)
        for (const call of lane.waiting.all()) if (!call.isOwn && lane.waiting.remove(call)) this.handBack(call);
      lane.update();
      this.dispatch(lane.group);
    }
    if (announce) this.presence?.own.announce();
  }

  /**
   * Objects that others have now, and that still run something here, {@link Lane.hash}. Of too many for a message only
   * some bits are told, see {@link coarse}: several objects share them, and wait for each other.
   */
  held(): number[] {
    const hashes = [...this.leaving].map((lane) => lane.hash);
    return [...new Set(hashes.length > MOST_HELD ? hashes.map(coarse) : hashes)];
  }

  private handBack(call: Call): void {
    this.end(call);
    call.fate.giveBack?.(call.attempt);
  }
}
