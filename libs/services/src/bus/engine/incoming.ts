import { ServicesError } from '../../errors.js';
import type { InvocationReply } from '../../invocation/invocation.js';
import { steadyNow } from '../../runtime/clock.js';
import type { Fate } from './call.js';
import { callOf, encodeReply, type RemoteCall } from './call-codec.js';
import { Caller } from './caller.js';
import type { Carrier } from './carrier.js';
import type { Engine } from './engine.js';
import { encode, type Head } from './message.js';
import type { Presence } from './presence.js';

/** Processes that have called and gone: whether a call of theirs has ever come is known of so many. */
const MOST_CALLERS = 10_000;

/** A call from another process, until it has been answered. */
class RemoteFate implements Fate {
  constructor(
    private readonly incoming: Incoming,
    private readonly from: string,
    private readonly number: number,
  ) {}

  resolve(reply: InvocationReply): void {
    this.incoming.answer(this.from, this.number, encodeReply(reply, this.number));
  }

  reject({ code, message, details }: ServicesError): void {
    this.incoming.answer(this.from, this.number, encode(['e', this.number, code, message, details]));
  }

  /** @param accepted it was in the queue here */
  giveBack(attempts: number, accepted = true): void {
    const { from, number } = this;
    this.incoming.caller(from).gaveBack(number);
    this.incoming.answer(from, number, encode(['b', number, attempts, accepted ? 1 : 0]));
  }
}

/** Calls that come to this process from others, and what becomes of them. */
export class Incoming {
  private readonly callers = new Map<string, Caller>();
  /** those that have gone, the first one first */
  private readonly silent = new Set<string>();
  /** some that have gone are not known any more */
  private forgetful = false;
  /** whose calls are being dropped, and who has to hear of none of them */
  private leaving: string | undefined;

  constructor(
    private readonly carrier: Carrier,
    private readonly presence: Presence,
    private readonly engine: Engine,
  ) {}

  /** A call of another process. */
  called(head: Head, payload: Uint8Array | undefined): void {
    const call = callOf(head, payload);
    if (call === undefined) return;
    const { from, number, attempt, delivery, invocation, behind } = call;
    this.silent.delete(from);
    const caller = this.caller(from);
    if (!caller.came(number)) return;
    const fate = new RemoteFate(this, from, number);
    if (behind > 0 && !caller.hasTaken(behind)) {
      fate.giveBack(attempt, false);
      return;
    }
    const deadline = steadyNow() + this.timeLeft(call);
    try {
      const taken = this.engine.accept({ ...invocation, deadline }, delivery, deadline, fate, undefined, attempt);
      if (taken === undefined) fate.giveBack(attempt, false);
      // So that its caller can leave it, unless it has ended already.
      else if (taken.heapIndex >= 0) caller.calls.set(number, taken);
    } catch (thrown) {
      fate.reject(thrown instanceof ServicesError ? thrown : new ServicesError('BERTH_INTERNAL', 'internal error'));
    }
  }

  /** By the steady clocks of both: what was on its way for long is not younger for that. */
  private timeLeft({ from, sentAt, left }: RemoteCall): number {
    const offset = this.presence.others.get(from)?.offset;
    return offset === undefined ? left : left - Math.max(0, performance.now() - offset - sentAt);
  }

  caller(id: string): Caller {
    let caller = this.callers.get(id);
    if (caller === undefined) {
      caller = new Caller(this.forgetful);
      this.callers.set(id, caller);
    }
    return caller;
  }

  answer(to: string, number: number, bytes: Buffer): void {
    if (to === this.leaving) return;
    const caller = this.caller(to);
    caller.calls.delete(number);
    // Whoever does not get it asks for it.
    caller.keep(number, bytes);
    if (this.presence.isUp) this.carrier.send(to, bytes);
  }

  /** A caller has left one of its calls. */
  leave(from: string, number: number): void {
    const call = this.callers.get(from)?.calls.get(number);
    if (call !== undefined) this.engine.abandon(call);
  }

  /** A caller that was disturbed asks for its calls: they, or their answers, may have got lost. */
  asked(from: string, numbers: readonly number[]): void {
    const caller = this.caller(from);
    const lost: number[] = [];
    const missed: number[] = [];
    for (const number of numbers) {
      const found = caller.find(number);
      if (typeof found !== 'string') this.carrier.send(from, found);
      else if (found !== 'here') (found === 'lost' ? lost : missed).push(number);
    }
    if (lost.length + missed.length > 0) this.carrier.send(from, encode(['x', lost, missed]));
  }

  /** Nobody waits any more: what has not begun never does. */
  gone(from: string): void {
    const caller = this.callers.get(from);
    if (caller === undefined) return;
    const calls = [...caller.calls.values()];
    caller.forget();
    this.leaving = from;
    for (const call of calls) this.engine.abandon(call);
    this.leaving = undefined;
    this.silent.add(from);
    const [oldest] = this.silent;
    if (this.silent.size <= MOST_CALLERS || oldest === undefined) return;
    this.silent.delete(oldest);
    this.callers.delete(oldest);
    this.forgetful = true;
  }
}
