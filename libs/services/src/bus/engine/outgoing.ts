import { type ServicesError } from '../../errors.js';
import { type Invocation, invocationKey, type InvocationReply } from '../../invocation/invocation.js';
import { Deadlines } from '../../runtime/deadlines.js';
import { ownInvocation } from '../../runtime/isolation.js';
import type { BusCallOptions } from '../invocation-bus.js';
import type { BusLimits } from '../bus-options.js';
import { away, cancelled, checkDeadline, closedBus, noAgent, timedOut, workerLost } from '../refusals.js';
import { OutCall, type OutLane } from './out-call.js';
import { hasAgent, OutIntake, type Sender } from './out-intake.js';
import type { Route } from './routes.js';
import { steadyNow } from '../../runtime/clock.js';

/** Until a member is asked again that does not have an object yet, or not any more, ms. */
const RETRY_MS = 20;

/**
 * The calls of this process: each goes to the member that owns its object, or has a place for its method. What comes
 * back unbegun goes to the next one, in order; when a member dies, what may have begun there is sent again, or its
 * outcome is unknown.
 */
export class Outgoing {
  /** by the number of their last sending */
  private readonly sent = new Map<number, OutCall>();
  private readonly intake: OutIntake;
  private readonly deadlines = new Deadlines<OutCall>((call) => this.expire(call));
  private readonly paused = new Set<OutLane>();
  private timer: NodeJS.Timeout | undefined;
  private numbers = 0;
  private sequence = 0;

  constructor(
    private readonly sender: Sender,
    private readonly limits: BusLimits,
  ) {
    this.intake = new OutIntake(sender, limits);
  }

  invoke(invocation: Invocation, { delivery, signal }: BusCallOptions): Promise<InvocationReply> {
    return new Promise((resolve, reject) => {
      const deadline = invocation.deadline ?? steadyNow() + this.limits.defaultTimeoutMs;
      // What is thrown here rejects the promise.
      checkDeadline(deadline);
      const lane = this.intake.admit(invocation, signal, deadline);
      const own = ownInvocation(invocation);
      this.sequence += 1;
      const key = invocationKey(own);
      const call = new OutCall(
        ...([this.sequence, own, key, delivery, deadline, lane, resolve, reject, signal, this.abandon] as const),
      );
      this.intake.accepted(own.payload);
      this.deadlines.add(call);
      lane.waiting.push(call);
      this.pump(lane);
    });
  }

  /** Sends what can be sent of a lane, and keeps or forgets the lane. */
  private pump(lane: OutLane): void {
    const { scope, waiting, isObject, name } = lane;
    if (this.sender.isUp && !lane.paused && waiting.size > 0) {
      const route = this.sender.route(scope.service, scope.partition);
      if (isObject) this.pumpObject(lane, route);
      else this.pumpMethod(lane, route);
    }
    if (waiting.size > 0 || lane.sent > 0) {
      (isObject ? scope.objects : scope.methods).set(name, lane);
      return;
    }
    const lanes = isObject ? scope.objects : scope.methods;
    if (lanes.get(name) === lane) lanes.delete(name);
  }

  private pumpObject(lane: OutLane, route: Route): void {
    const owner = route.ownerOf(lane.name);
    if (owner === undefined || (lane.sent > 0 && lane.to !== owner.id)) return;
    lane.to = owner.id;
    for (let call = lane.waiting.first; call !== undefined && !lane.paused; call = lane.waiting.first)
      this.send(call, owner.id);
  }

  private pumpMethod(lane: OutLane, route: Route): void {
    const members = route.membersFor(lane.name);
    while (members !== undefined && lane.waiting.first !== undefined && !lane.paused) {
      const member = lane.scope.pick(members);
      if (member === undefined) break;
      this.send(lane.waiting.first, member.id);
    }
    const { ready } = lane.scope;
    if (lane.waiting.size === 0) ready.remove(lane);
    else if (lane.list === undefined) ready.push(lane);
  }

  private send(call: OutCall, to: string): void {
    const { lane } = call;
    lane.waiting.remove(call);
    this.numbers += 1;
    call.number = this.numbers;
    call.at = to;
    this.sent.set(call.number, call);
    lane.sent += 1;
    if (!lane.isObject) lane.scope.count(to, 1);
    this.sender.send(to, call);
  }

  /** A call is at no member any more. */
  private recall(number: number): OutCall | undefined {
    const call = this.sent.get(number);
    if (call === undefined) return undefined;
    const { lane } = call;
    this.sent.delete(number);
    lane.sent -= 1;
    if (!lane.isObject) lane.scope.count(call.at as string, -1);
    call.at = undefined;
    return call;
  }

  /** After a call has left its member: what waited for its place, or its end. */
  private next(lane: OutLane): void {
    this.pump(lane);
    if (lane.isObject) return;
    const { ready } = lane.scope;
    for (let n = ready.size; n > 0 && ready.first !== undefined; n -= 1) {
      const first = ready.first;
      // They take turns: this one goes to the end, unless it can send all.
      ready.remove(first);
      this.pump(first);
    }
  }

  /** @param reply undefined: what came was none */
  answered(number: number, reply: InvocationReply | undefined): void {
    if (reply === undefined) return;
    const call = this.recall(number);
    if (call === undefined) return;
    this.end(call);
    call.resolve(reply);
    this.next(call.lane);
  }

  failed(number: number, error: ServicesError): void {
    const call = this.recall(number);
    if (call === undefined) return;
    this.fail(call, error);
    this.next(call.lane);
  }

  /**
   * A member could not, or does not any more: the next one shall.
   *
   * @param attempts deliveries that have begun; absent: as before
   * @param accepted it was in its queue
   */
  cameBack(number: number, attempts: number | undefined, accepted: boolean): void {
    const call = this.recall(number);
    if (call === undefined) return;
    call.attempt = attempts ?? call.attempt;
    call.accepted ||= accepted;
    const { invocation, lane } = call;
    const route = this.sender.route(invocation.service, invocation.partition);
    if (!call.accepted && this.sender.isUp && !hasAgent(route, invocation)) this.fail(call, noAgent(invocation));
    else lane.putBack(call);
    if (!accepted) this.pause(lane);
    this.next(lane);
  }

  /** A call, or the answer to it, has got lost with its member or on its way. */
  lost(number: number): void {
    const call = this.recall(number);
    if (call === undefined) return;
    const { invocation, lane, delivery } = call;
    call.attempt += 1;
    call.accepted = true;
    if (delivery === 'at-most-once' || call.attempt >= this.limits.maxDeliveries) {
      const error = workerLost(invocation, call.attempt);
      this.sender.letters.add(call, 'worker-lost', error.message);
      this.fail(call, error);
    } else {
      lane.putBack(call);
    }
    this.next(lane);
  }

  /** The numbers of the calls that are at a member. */
  at(member: string): number[] {
    return [...this.sent.values()].filter(({ at }) => at === member).map(({ number }) => number);
  }

  /** Members have changed, or the carrier is back. */
  pumpAll(): void {
    for (const lane of this.intake.lanes()) {
      lane.paused = false;
      this.pump(lane);
    }
    this.paused.clear();
  }

  private pause(lane: OutLane): void {
    lane.paused = true;
    this.paused.add(lane);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const lanes = [...this.paused];
      this.paused.clear();
      for (const one of lanes) {
        one.paused = false;
        this.pump(one);
      }
    }, RETRY_MS).unref();
  }

  private readonly abandon = (call: OutCall): void => {
    this.drop(call, cancelled(call.invocation), true);
  };

  private expire(call: OutCall): void {
    const { invocation, at, attempt, accepted } = call;
    if (at === undefined && call.delivery === 'at-least-once') this.sender.letters.add(call, 'expired');
    const isAway = !this.sender.isUp && at === undefined && attempt === 0 && !accepted;
    // Whoever has it knows the deadline.
    this.drop(call, isAway ? away(call.key, this.sender.trouble) : timedOut(invocation), false);
  }

  /** Nobody waits for a call any more, wherever it is. */
  private drop(call: OutCall, error: ServicesError, tell: boolean): void {
    const { at, number, lane } = call;
    if (at === undefined) lane.waiting.remove(call);
    else this.recall(number);
    if (tell && at !== undefined) this.sender.left(at, number);
    this.fail(call, error);
    this.next(lane);
  }

  private fail(call: OutCall, error: ServicesError): void {
    this.end(call);
    call.reject(error);
  }

  private end(call: OutCall): void {
    this.intake.ended(call.invocation.payload);
    this.deadlines.remove(call);
    call.forgetCaller();
  }

  close(): void {
    clearTimeout(this.timer);
    // Those that wait first: they must not be sent to the places of the others.
    for (const { waiting } of this.intake.lanes())
      for (let call = waiting.first; call !== undefined; call = waiting.first) {
        waiting.remove(call);
        this.fail(call, closedBus());
      }
    for (const call of [...this.sent.values()]) {
      const { at, number } = call;
      this.recall(number);
      this.fail(call, closedBus());
      if (at !== undefined) this.sender.left(at, number);
    }
    this.deadlines.close();
  }
}
