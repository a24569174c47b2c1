import { BerthError } from '@berth/errors';
import { ServicesError } from '../../errors.js';
import type { Delivery, Invocation, InvocationReply } from '../../invocation/invocation.js';
import type { LetterBox } from '../../letters/letter-box.js';
import type { Fate, MemoryCall } from '../memory/call.js';
import { Engine } from '../memory/engine.js';
import type { BusLimits } from '../bus-options.js';
import type { Lane } from '../memory/routing.js';
import { callOf, encodeReply, type RemoteCall } from './call-codec.js';
import { Caller } from './caller.js';
import type { Carrier } from './carrier.js';
import { objectKey } from './member.js';
import { encode, type Head } from './message.js';
import type { Presence } from './presence.js';
import { steadyNow } from '../../runtime/clock.js';

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

  giveBack(attempts: number): void {
    this.incoming.answer(this.from, this.number, encode(['b', this.number, attempts, 1]));
  }
}

/** Calls that come to this process, from others and from itself, and what becomes of them. */
export class Incoming {
  readonly engine: Engine;
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
    limits: BusLimits,
    letters: LetterBox,
  ) {
    const placement = {
      lease: presence.lease,
      of: presence.placeOf.bind(presence),
      released: () => presence.announce(),
    };
    // Whoever calls has its own bound of calls; bytes of all of them are bounded here.
    this.engine = new Engine({ ...limits, maxPendingCalls: Number.MAX_SAFE_INTEGER }, letters, placement);
  }

  /** Objects that others have now, and that still run something here. */
  held(): string[] {
    const key = ({ scope, name }: Lane): string => objectKey(scope.service, scope.partition, name);
    return [...this.engine.left()].map(key);
  }

  /** @returns undefined: it is not for this process, and was not accepted. @throws ServicesError it is refused */
  take(
    invocation: Invocation,
    delivery: Delivery,
    deadline: number,
    fate: Fate,
    attempt: number,
  ): MemoryCall | undefined {
    const { service, partition, objectId } = invocation;
    if (objectId !== undefined && this.presence.placeOf(service, partition, objectId) === 'elsewhere') return undefined;
    if (!this.engine.serves(invocation)) return undefined;
    return this.engine.accept(invocation, delivery, deadline, fate, undefined, attempt);
  }

  /** A call of another process. */
  called(head: Head, payload: Uint8Array | undefined): void {
    const call = callOf(head, payload);
    if (call === undefined) return;
    const { from, number, attempt, delivery, invocation } = call;
    this.silent.delete(from);
    if (!this.caller(from).came(number)) return;
    const fate = new RemoteFate(this, from, number);
    const deadline = steadyNow() + this.timeLeft(call);
    try {
      const taken = this.take({ ...invocation, deadline }, delivery, deadline, fate, attempt);
      if (taken === undefined) this.answer(from, number, encode(['b', number, attempt, 0]));
      else this.keep(from, number, taken);
    } catch (thrown) {
      const error = BerthError.from(thrown);
      const details = error instanceof ServicesError ? error.details : {};
      this.answer(from, number, encode(['e', number, error.code, error.message, details]));
    }
  }

  /** By the steady clocks of both: what was on its way for long is not younger for that. */
  private timeLeft({ from, sentAt, left }: RemoteCall): number {
    const offset = this.presence.others.get(from)?.offset;
    return offset === undefined ? left : left - Math.max(0, performance.now() - offset - sentAt);
  }

  /** So that its caller can leave it. */
  keep(from: string, number: number, call: MemoryCall): void {
    // It may have ended already.
    if (call.heapIndex >= 0) this.caller(from).calls.set(number, call);
  }

  forget(from: string, number: number): void {
    this.callers.get(from)?.calls.delete(number);
  }

  private caller(id: string): Caller {
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
    if (this.carrier.health().state === 'up') this.carrier.send(to, bytes);
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
    this.carrier.send(from, encode(['x', lost, missed]));
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

  close(): void {
    this.engine.close();
  }
}
