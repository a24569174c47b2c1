import type { ServicesError } from '../../errors.js';
import { CODE_HEADER, invocationKey, type InvocationReply } from '../../invocation/invocation.js';
import type { LetterBox } from '../../letters/letter-box.js';
import { steadyNow } from '../../runtime/clock.js';
import { Deadlines } from '../../runtime/deadlines.js';
import { lendInvocation } from '../../runtime/isolation.js';
import type { BusLimits } from '../bus-options.js';
import { handlerFailed, handlerReply, isDeadLetter, messageIn } from '../handler-reply.js';
import type { BusHandler } from '../invocation-bus.js';
import { away, cancelled, timedOut, workerLost } from '../refusals.js';
import { type Call, CallDelivery } from './call.js';
import { Intake } from './intake.js';
import type { Presence } from './presence.js';
import type { Group, Lane } from './routing.js';
import type { Worker } from './worker.js';

/** Gives calls that wait to workers that are free, until the calls have ended, are too late, or nobody wants them. */
export class Dispatcher {
  readonly intake: Intake;
  protected readonly deadlines = new Deadlines<Call>((call) => this.expire(call));
  /** objects that others have now, and that still run something here */
  protected readonly leaving = new Set<Lane>();

  /** @param presence who else is there; absent: nobody ever */
  constructor(
    protected readonly limits: BusLimits,
    protected readonly letters: LetterBox,
    protected readonly presence?: Presence,
  ) {
    this.intake = new Intake(limits, presence);
  }

  protected begin(call: Call, worker: Worker): void {
    const { lane } = call;
    call.worker = worker;
    lane.active += 1;
    lane.at = worker.member;
    worker.running.push(call);
    worker.begin(call, worker);
  }

  /** How a worker of this process begins a call. */
  protected start(call: Call, worker: Worker, handler: BusHandler): void {
    call.attempt += 1;
    const { invocation, delivery, attempt, lane } = call;
    // What may be delivered again must not show the changes of the first handler.
    const lent = delivery === 'at-least-once' ? lendInvocation(invocation) : invocation;
    const presence = lane.isObject ? this.presence : undefined;
    // Several handlers of the same objects know nothing of each other.
    const term = lane.group.workers.length === 1 ? presence?.term : undefined;
    const run = new CallDelivery(lent, delivery, attempt, presence, term);
    call.running = run;
    void this.run(call, run, worker, handler);
  }

  private async run(call: Call, run: CallDelivery, worker: Worker, handler: BusHandler): Promise<void> {
    const { id } = call.invocation;
    let reply: InvocationReply;
    try {
      reply = handlerReply(await handler(run), id, this.limits);
    } catch (thrown) {
      // A handler that throws at once must not begin the next one on its stack: queues are longer than stacks.
      await Promise.resolve();
      reply = handlerFailed(thrown, id);
    }
    // Cut off meanwhile: somebody else has it, or nobody any more.
    if (call.running !== run) return;
    // Given up since others may have its object: it is cut off at the next beat, which says what becomes of it.
    if (run.isCut && reply.headers[CODE_HEADER] === 'BERTH_SERVICE_OUTCOME_UNKNOWN') return;
    if (call.delivery === 'at-least-once' && isDeadLetter(reply, run))
      this.letters.add(call, 'failed', messageIn(reply));
    this.release(call);
    this.end(call);
    call.fate.resolve(reply);
    this.next(call.lane, worker);
  }

  /** A call of the lane has left the worker: what waited for its end, or its place, may begin. */
  protected next(lane: Lane, worker: Worker): void {
    this.ended(lane);
    this.feed(worker);
    this.dispatch(lane.group);
  }

  private ended(lane: Lane): void {
    lane.update();
    if (lane.active === 0 && this.leaving.delete(lane)) this.presence?.announceSoon();
  }

  /** Lets free workers begin what is ready; restores the invariant of {@link Group}. */
  protected dispatch(group: Group): void {
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
    const call = lane.waiting.first as Call;
    lane.waiting.remove(call);
    // Lanes take turns: this one goes to the end.
    group.ready.remove(lane);
    if (call.deadline <= steadyNow()) {
      this.drop(call);
      lane.update();
      return;
    }
    // The handler begins within begin(), and whatever it calls must find the lane as it will be.
    if (!lane.isObject) lane.update();
    this.begin(call, worker);
    // An object that another process has is sent all its calls.
    if (group.member !== undefined) lane.update();
  }

  /** Its deadline has come. */
  private expire(call: Call): void {
    if (call.running !== undefined) this.leave(call, timedOut(call.invocation));
    // Whoever has it knows the deadline, and writes the letter.
    else if (call.worker !== undefined) this.giveUp(call, timedOut(call.invocation));
    else {
      call.lane.waiting.remove(call);
      this.drop(call);
      call.lane.update();
    }
  }

  /** Its caller has left. */
  abandon(call: Call): void {
    const error = cancelled(call.invocation);
    // What has begun once is on its way, even while it waits for another worker.
    if (call.attempt > 0 && call.number === 0) this.leave(call, error);
    else this.giveUp(call, error);
  }

  /** The caller gets an error; what runs may end. */
  private leave(call: Call, error: ServicesError): void {
    call.fate.reject(error);
    call.running?.abort(error);
  }

  /** Nobody waits for a call any more that waits, or is at another process. */
  protected giveUp(call: Call, error: ServicesError): void {
    const { lane, worker } = call;
    if (worker === undefined) lane.waiting.remove(call);
    else this.release(call);
    this.fail(call, error);
    if (worker === undefined) lane.update();
    else this.next(lane, worker);
  }

  /** Too late for a call that is in no list any more. */
  private drop(call: Call): void {
    const { invocation, attempt, accepted, isOwn } = call;
    if (call.delivery === 'at-least-once') this.letters.add(call, 'expired');
    const trouble = isOwn && attempt === 0 && !accepted ? this.presence?.trouble : undefined;
    this.fail(call, trouble === undefined ? timedOut(invocation) : away(invocationKey(invocation), trouble));
  }

  /** Takes a call from its worker; what its handler does from now on counts no more. */
  protected release(call: Call): void {
    const { worker, lane } = call;
    call.worker = undefined;
    call.running = undefined;
    lane.active -= 1;
    worker?.running.remove(call);
    if (worker?.open === false) worker.settleIdle();
  }

  /** Its worker is lost, and it may have taken effect. */
  protected cut(call: Call): void {
    const { lane, invocation, running } = call;
    const worker = call.worker as Worker;
    const lost = workerLost(invocation, call.attempt);
    call.accepted = true;
    this.release(call);
    if (this.isOver(call)) this.endLost(call, lost);
    else if (call.deadline <= steadyNow()) this.drop(call);
    // Where it was: it was accepted before all that wait.
    else lane.putBack(call);
    this.ended(lane);
    running?.cut(lost);
    this.next(lane, worker);
  }

  /** Whether a call that has begun may not begin again. */
  protected isOver({ delivery, attempt }: Call): boolean {
    return delivery === 'at-most-once' || attempt >= this.limits.maxDeliveries;
  }

  protected endLost(call: Call, error: ServicesError): void {
    this.letters.add(call, 'worker-lost', error.message);
    this.fail(call, error);
  }

  protected fail(call: Call, error: ServicesError): void {
    this.end(call);
    call.fate.reject(error);
  }

  protected end(call: Call): void {
    this.intake.count(call, -1);
    this.deadlines.remove(call);
    call.forgetCaller();
  }
}
