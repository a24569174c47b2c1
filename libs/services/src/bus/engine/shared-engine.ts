import type { ServicesError } from '../../errors.js';
import { invocationKey, type InvocationReply } from '../../invocation/invocation.js';
import type { LetterBox } from '../../letters/letter-box.js';
import { steadyNow } from '../../runtime/clock.js';
import type { BusLimits } from '../bus-options.js';
import { closedBus, headTooLarge, noAgent } from '../refusals.js';
import type { Call } from './call.js';
import { encodeCall } from './call-codec.js';
import type { Carrier } from './carrier.js';
import { Engine } from './engine.js';
import type { Member, Part, Serve } from './member.js';
import { encode, MAX_HEAD_BYTES } from './message.js';
import type { Presence } from './presence.js';
import type { Lane } from './routing.js';
import { Worker } from './worker.js';

/** Until a member is asked again that does not have an object yet, or not any more, ms. */
const RETRY_MS = 20;

/**
 * The engine of one process among others. What they serve are workers too, to which calls are sent: those of an object
 * to the member that owns it, all at once and in order, those of a stateless method while it has a place. What comes
 * back unbegun goes to the next one, in order; when a member dies, what may have begun there is sent again, or its
 * outcome is unknown.
 */
export class SharedEngine extends Engine {
  /** calls that are at other members, by number */
  private readonly sent = new Map<number, Call>();
  /** how many have been sent */
  numbers = 0;
  private readonly paused = new Set<Lane>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    limits: BusLimits,
    letters: LetterBox,
    private readonly carrier: Carrier,
    protected override readonly presence: Presence,
  ) {
    super(limits, letters, presence);
  }

  // ---- members

  /** Learns what another member serves. {@link sweep} follows. */
  know(member: Member, { base, version, serves, gone }: Part): void {
    const { workers, objects } = member;
    const said = new Set(serves.map(({ since }) => since));
    const isGone = (since: number): boolean => since > base && since <= version && !said.has(since);
    for (const since of gone ?? [...workers.keys()].filter(isGone)) this.forget(member, since);
    for (const serve of serves) if (!workers.has(serve.since)) this.join(member, serve);
    if (objects.workers.length === 0) objects.join(new Worker(Infinity, this.send, member));
  }

  private join(member: Member, { service, partition, objectId, methods, concurrency, since }: Serve): void {
    const scope = this.intake.scopeFor(service, partition);
    const worker = new Worker(concurrency, this.send, member, undefined, scope, objectId);
    member.workers.set(since, worker);
    scope.join(worker, methods, false);
  }

  /** It gets nothing more; what it has is still answered. */
  private forget({ workers }: Member, since: number): void {
    const worker = workers.get(since);
    if (worker === undefined) return;
    workers.delete(since);
    worker.open = false;
    worker.scope?.leave(worker);
  }

  /** A member has died, or left: others get what it had, unless that may have begun. */
  gone(member: Member): void {
    for (const since of member.workers.keys()) this.forget(member, since);
    this.sweep();
    for (const number of this.sentTo().get(member.id) ?? []) this.lost(number);
  }

  // ---- calls that are sent

  private readonly send = (call: Call, { member }: Worker): void => {
    this.numbers += 1;
    call.number = this.numbers;
    this.sent.set(call.number, call);
    const { number, attempt, delivery, invocation, deadline, lane } = call;
    const key = invocationKey(invocation);
    const behind = lane.isObject && lane.active > 1 ? lane.number : 0;
    const what = { number, attempt, behind, delivery, invocation, key };
    const bytes = encodeCall(this.carrier.id, what, deadline - steadyNow());
    const head = bytes.length - invocation.payload.length;
    if (head <= MAX_HEAD_BYTES) {
      lane.number = number;
      this.carrier.send(member?.id ?? '', bytes, key, String(number));
      return;
    }
    this.release(call);
    this.fail(call, headTooLarge(invocation, head, MAX_HEAD_BYTES));
    lane.update();
  };

  /** The numbers of the calls that are at other members, by these. @param upTo no later ones */
  sentTo(upTo = Infinity): Map<string, number[]> {
    const found = new Map<string, number[]>();
    for (const { number, worker } of this.sent.values()) {
      const id = worker?.member?.id;
      if (id === undefined || number > upTo) continue;
      const numbers = found.get(id);
      if (numbers === undefined) found.set(id, [number]);
      else numbers.push(number);
    }
    return found;
  }

  protected override release(call: Call): void {
    if (call.number > 0) this.sent.delete(call.number);
    call.number = 0;
    super.release(call);
  }

  /** @param reply undefined: what came was none */
  answered(number: number, reply: InvocationReply | undefined): void {
    const call = this.sent.get(number);
    if (call?.worker === undefined || reply === undefined) return;
    const { worker, lane } = call;
    this.release(call);
    this.end(call);
    call.fate.resolve(reply);
    this.next(lane, worker);
  }

  failed(number: number, error: ServicesError): void {
    const call = this.sent.get(number);
    if (call !== undefined) this.giveUp(call, error);
  }

  /**
   * A member could not, or does not any more: the next one shall.
   *
   * @param attempts deliveries that have begun; absent: as before
   * @param accepted it was in its queue
   */
  cameBack(number: number, attempts: number | undefined, accepted: boolean): void {
    const call = this.sent.get(number);
    if (call?.worker === undefined) return;
    call.attempt = attempts ?? call.attempt;
    call.accepted ||= accepted;
    if (!accepted) this.pause(call.lane);
    this.comeBack(call, call.worker);
  }

  private comeBack(call: Call, worker: Worker): void {
    const { lane } = call;
    this.release(call);
    // What was sent behind it comes back as well, or has ended: nothing is sent before, there neither.
    lane.at = undefined;
    const isUnserved = this.presence.isUp && lane.group.workers.length === 0;
    if (isUnserved && !call.accepted) this.fail(call, noAgent(call.invocation));
    else lane.putBack(call);
    this.next(lane, worker);
  }

  /** Nobody was there to whom a call was sent: it was never begun. */
  unreached(number: number): void {
    const call = this.sent.get(number);
    if (call?.worker?.member === undefined) return;
    // Else it would be sent there again and again, and be on its way when the member counts as dead: then it might have begun.
    call.worker.member.unreached = true;
    this.comeBack(call, call.worker);
  }

  /** A call, or the answer to it, has got lost with its member or on its way. */
  lost(number: number): void {
    const call = this.sent.get(number);
    if (call === undefined) return;
    call.attempt += 1;
    this.cut(call);
  }

  private pause(lane: Lane): void {
    lane.paused = true;
    this.paused.add(lane);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const lanes = [...this.paused];
      this.paused.clear();
      for (const one of lanes) {
        one.paused = false;
        one.update();
        this.dispatch(one.group);
      }
    }, RETRY_MS).unref();
  }

  /** Whoever has it need not go on. */
  override abandon(call: Call): void {
    this.tellLeft(call);
    super.abandon(call);
  }

  private tellLeft({ number, worker }: Call): void {
    if (number > 0 && worker?.member !== undefined)
      this.carrier.send(worker.member.id, encode(['l', this.carrier.id, number]));
  }

  override close(): void {
    clearTimeout(this.timer);
    for (const call of this.sent.values()) {
      this.tellLeft(call);
      this.release(call);
      this.fail(call, closedBus());
    }
    super.close();
  }
}
