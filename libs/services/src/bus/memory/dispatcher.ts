import type { ServicesError } from '../../errors.js';
import { CODE_HEADER, type InvocationReply } from '../../invocation/invocation.js';
import { Deadlines } from '../../runtime/deadlines.js';
import { lendInvocation } from '../../runtime/isolation.js';
import type { LetterBox } from '../../letters/letter-box.js';
import { handlerFailed, handlerReply, isDeadLetter, messageIn } from '../handler-reply.js';
import { cancelled, timedOut } from '../refusals.js';
import { type MemoryCall, MemoryDelivery } from './call.js';
import { Intake } from './intake.js';
import type { BusLimits } from '../bus-options.js';
import type { Placement } from './placement.js';
import type { Group, Lane } from './routing.js';
import type { Worker } from './worker.js';
import { steadyNow } from '../../runtime/clock.js';

/** Gives calls that wait to workers that are free, until the calls have ended, are too late, or nobody wants them. */
export class Dispatcher {
  readonly intake: Intake;
  protected readonly deadlines = new Deadlines<MemoryCall>((call) => {
    this.expire(call);
  });
  /** objects that others have now, and that still run something here */
  protected readonly leaving = new Set<Lane>();

  /** @param placement which objects may run here; absent: all of them */
  constructor(
    protected readonly limits: BusLimits,
    protected readonly letters: LetterBox,
    protected readonly placement?: Placement,
  ) {
    this.intake = new Intake(limits, placement);
  }

  protected begin(call: MemoryCall, worker: Worker): void {
    call.attempt += 1;
    call.lane.active += 1;
    worker.running.push(call);
    const { invocation, delivery, attempt } = call;
    // What may be delivered again must not show the changes of the first handler.
    const lent = delivery === 'at-least-once' ? lendInvocation(invocation) : invocation;
    const { serial, group } = call.lane;
    const lease = serial ? this.placement?.lease : undefined;
    // Several handlers of the same objects know nothing of each other.
    const term = group.workers.length === 1 ? lease?.term : undefined;
    const run = new MemoryDelivery(lent, delivery, attempt, lease, term);
    call.running = run;
    void this.run(call, run, worker);
  }

  private async run(call: MemoryCall, run: MemoryDelivery, worker: Worker): Promise<void> {
    const { id } = call.invocation;
    let reply: InvocationReply;
    try {
      reply = handlerReply(await worker.handler(run), id, this.limits);
    } catch (thrown) {
      // A handler that throws at once must not begin the next one on its stack: queues are longer than stacks.
      await Promise.resolve();
      reply = handlerFailed(thrown, id);
    }
    // Cut off meanwhile: somebody else has it, or nobody any more.
    if (call.running !== run) return;
    // Given up since others may have its object: it is cut off at the next beat, which says what becomes of it.
    if (run.isCut && reply.headers[CODE_HEADER] === 'BERTH_SERVICE_OUTCOME_UNKNOWN') return;
    this.release(call, worker);
    if (call.delivery === 'at-least-once' && isDeadLetter(reply, run))
      this.letters.add(call, 'failed', messageIn(reply));
    this.end(call);
    call.fate.resolve(reply);
    this.ended(call.lane);
    this.feed(worker);
    this.dispatch(call.lane.group);
  }

  /** Nothing of it runs any more. */
  protected ended(lane: Lane): void {
    lane.update();
    if (lane.active === 0 && this.leaving.delete(lane)) this.placement?.released();
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
  protected feed(worker: Worker): void {
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
    if (call.deadline <= steadyNow()) {
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
  readonly abandon = (call: MemoryCall): void => {
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
    call.fate.reject(error);
    call.running?.abort(error);
  }

  /** Too late for a call that is in no list any more. */
  protected drop(call: MemoryCall): void {
    if (call.delivery === 'at-least-once') this.letters.add(call, 'expired');
    this.fail(call, timedOut(call.invocation));
  }

  /** Takes a running call from its worker; what its handler does from now on counts no more. */
  protected release(call: MemoryCall, worker: Worker): MemoryDelivery | undefined {
    const run = call.running;
    call.running = undefined;
    call.lane.active -= 1;
    worker.running.remove(call);
    if (!worker.open) worker.settleIdle();
    return run;
  }

  protected fail(call: MemoryCall, error: ServicesError): void {
    this.end(call);
    call.fate.reject(error);
  }

  protected end(call: MemoryCall): void {
    this.intake.ended(call.invocation.payload);
    this.deadlines.remove(call);
    call.forgetCaller();
  }
}
