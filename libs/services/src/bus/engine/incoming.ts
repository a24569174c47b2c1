import { BerthError } from '@berth/errors';
import { ServicesError } from '../../errors.js';
import type { Delivery, Invocation, InvocationReply } from '../../invocation/invocation.js';
import type { Fate, MemoryCall } from '../memory/call.js';
import { Engine } from '../memory/engine.js';
import type { MemoryBusLimits } from '../memory/options.js';
import type { Lane } from '../memory/routing.js';
import { callOf, encodeReply, type RemoteCall } from './call-codec.js';
import type { Carrier } from './carrier.js';
import { objectKey } from './member.js';
import { encode, type Head } from './message.js';
import type { Presence } from './presence.js';

/** Bytes of answers that are kept while the carrier is down. */
const MOST_LATE_BYTES = 64 * 1024 * 1024;

/** A call from another process, until it has been answered. */
class RemoteFate implements Fate {
  constructor(
    private readonly incoming: Incoming,
    private readonly from: string,
    private readonly number: number,
    private readonly id: string,
  ) {}

  resolve(reply: InvocationReply): void {
    this.incoming.answer(this.from, this.number, encodeReply(reply, this.number, this.id));
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
  private readonly running = new Map<string, Map<number, MemoryCall>>();
  /** answers that could not be sent; whoever waits for them asks */
  private readonly late = new Map<string, Map<number, Buffer>>();
  private lateBytes = 0;
  /** whose calls are being dropped, and who has to hear of none of them */
  private leaving: string | undefined;

  constructor(
    private readonly carrier: Carrier,
    private readonly presence: Presence,
    limits: MemoryBusLimits,
  ) {
    const placement = {
      lease: presence.lease,
      of: presence.placeOf.bind(presence),
      released: () => presence.announce(),
    };
    // Whoever calls has its own bound of calls; bytes of all of them are bounded here.
    this.engine = new Engine({ ...limits, maxPendingCalls: Number.MAX_SAFE_INTEGER }, placement);
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
    const fate = new RemoteFate(this, from, number, invocation.id);
    const deadline = Date.now() + this.timeLeft(call);
    try {
      const taken = this.take({ ...invocation, deadline }, delivery, deadline, fate, attempt);
      if (taken === undefined) this.carrier.send(from, encode(['b', number, attempt, 0]));
      else this.keep(from, number, taken);
    } catch (thrown) {
      const error = BerthError.from(thrown);
      const details = error instanceof ServicesError ? error.details : {};
      this.carrier.send(from, encode(['e', number, error.code, error.message, details]));
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
    if (call.heapIndex < 0) return;
    const calls = this.running.get(from) ?? new Map<number, MemoryCall>();
    this.running.set(from, calls);
    calls.set(number, call);
  }

  forget(from: string, number: number): void {
    this.running.get(from)?.delete(number);
  }

  answer(to: string, number: number, bytes: Buffer): void {
    this.forget(to, number);
    if (to === this.leaving) return;
    if (this.carrier.health().state === 'up') {
      this.carrier.send(to, bytes);
      return;
    }
    if (this.lateBytes + bytes.length > MOST_LATE_BYTES) return;
    this.lateBytes += bytes.length;
    const answers = this.late.get(to) ?? new Map<number, Buffer>();
    this.late.set(to, answers);
    answers.set(number, bytes);
  }

  /** A caller has left one of its calls. */
  leave(from: string, number: number): void {
    const call = this.running.get(from)?.get(number);
    if (call !== undefined) this.engine.abandon(call);
  }

  /** A caller that was disturbed asks for its calls: those that nobody knows here have got lost, or their answers have. */
  asked(from: string, numbers: readonly number[]): void {
    const calls = this.running.get(from);
    const answers = this.late.get(from);
    const lost: number[] = [];
    for (const number of numbers) {
      const answer = answers?.get(number);
      if (answer !== undefined) this.carrier.send(from, answer);
      else if (calls?.has(number) !== true) lost.push(number);
    }
    this.forgetAnswers(from);
    this.carrier.send(from, encode(['x', lost]));
  }

  /** Nobody waits any more: what has not begun never does. */
  gone(from: string): void {
    this.forgetAnswers(from);
    const calls = this.running.get(from);
    this.running.delete(from);
    this.leaving = from;
    for (const call of calls?.values() ?? []) this.engine.abandon(call);
    this.leaving = undefined;
  }

  close(): void {
    this.engine.close();
  }

  private forgetAnswers(from: string): void {
    for (const bytes of this.late.get(from)?.values() ?? []) this.lateBytes -= bytes.length;
    this.late.delete(from);
  }
}
