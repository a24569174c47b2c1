import { ServicesError } from '../../errors.js';
import type { Invocation, InvocationReply } from '../../invocation/invocation.js';
import { invocationKey } from '../../invocation/keys.js';
import type { BusCallOptions } from '../invocation-bus.js';
import { Call, Cancel } from './call.js';
import { Deadlines } from '../../runtime/deadlines.js';
import { type Answer, checkTarget, decodeAnswer, encodeBody, laneOf, MAX_HEAD_BYTES } from './message.js';
import type { RedisBusLimits } from './options.js';
import {
  away,
  brokerForgot,
  busy,
  cancelled,
  checkDeadline,
  closedBus,
  headTooLarge,
  noAgent,
  timedOut,
  tooLarge,
  workerLost,
} from '../refusals.js';
import type { Session } from './session.js';

/**
 * How long agents that have noticed that a broker has lost its memory have to come back, and how often is asked
 * for them, ms. One that is idle notices it when it next says that it lives.
 */
const COME_BACK_MS = 3_000;
const ASK_AGAIN_MS = 50;

/** The calls of this process that wait for a reply. */
export class Calls {
  readonly #pending = new Map<string, Call>();
  readonly #deadlines = new Deadlines<Call>((call) => this.#expired(call));
  #bytes = 0;
  #count = 0;
  /** until then a call that nobody serves is sent again */
  #patientUntil = 0;
  readonly #refused = new Set<Call>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly limits: RedisBusLimits,
    private readonly session: Session,
  ) {}

  /**
   * See {@link InvocationBus.invoke}.
   *
   * @param resolve all but the first settlement are ignored
   * @throws ServicesError what is refused before it is sent
   */
  invoke(
    invocation: Invocation,
    { delivery, signal }: BusCallOptions,
    resolve: (reply: InvocationReply) => void,
    reject: (error: ServicesError) => void,
  ): void {
    const { limits } = this;
    const now = Date.now();
    const deadline = invocation.deadline ?? now + limits.defaultTimeoutMs;
    checkDeadline(deadline);
    this.#check(invocation, signal, deadline <= now);
    // From here on nothing of the caller's is looked at again: it may change it.
    const body = encodeBody(invocation, delivery, limits.maxDeliveries);
    const head = body.length - invocation.payload.length;
    if (head > MAX_HEAD_BYTES) throw headTooLarge(invocation, head, MAX_HEAD_BYTES);
    const lane = laneOf(invocation);
    this.#count += 1;
    const number = String(this.#count);
    const call = new Call(number, invocation, delivery, deadline, lane, body, resolve, reject, signal, this);
    this.#pending.set(number, call);
    this.#bytes += call.bytes;
    this.#deadlines.add(call);
    this.session.pipeline.push(call);
  }

  /** What came for a call; for one that is over it is too late. */
  answered(number: string, bytes: Buffer): void {
    const call = this.#pending.get(number);
    if (call === undefined) return;
    const { invocation } = call;
    let answer: Answer;
    try {
      answer = decodeAnswer(bytes, invocation.id);
    } catch {
      // Of a later version, perhaps. It must not take along what came with it.
      this.#fail(call, unreadable(invocation));
      return;
    }
    if ('reply' in answer) {
      this.#end(call);
      call.resolve(answer.reply);
      return;
    }
    if (answer.refused === 'A') {
      // Not accepted. By our clock its deadline has not passed.
      this.session.measure();
      this.#sendLater(call);
    } else if (answer.refused === 'N' && Date.now() < this.#patientUntil) this.#sendLater(call);
    else if (answer.refused === 'N') this.#fail(call, noAgent(invocation));
    else if (answer.refused === 'T') this.#fail(call, timedOut(invocation));
    else if (answer.refused === 'L') this.#fail(call, workerLost(invocation, answer.attempts));
    else if (invocation.objectId === undefined)
      this.#fail(call, busy(invocation, 'maxQueuedPerMethod', this.limits.maxQueuedPerMethod));
    else this.#fail(call, busy(invocation, 'maxQueuedPerObject', this.limits.maxQueuedPerObject));
  }

  /** Its caller's signal was aborted. */
  left(call: Call): void {
    if (call.over) return;
    this.#fail(call, cancelled(call.invocation));
    this.#takeAlong(call);
  }

  /** It was on its way when the broker lost its memory: {@link brokerForgot} sees to it. */
  forgotten(_call: Call): void {
    return undefined;
  }

  failed(call: Call, why: string): void {
    if (!call.over) this.#fail(call, brokerFailed(call.invocation, why));
  }

  /**
   * The broker has lost its memory. What may run twice is sent again, and what was
   * never sent; what may have run once already is not.
   */
  brokerForgot(): void {
    this.#patientUntil = Date.now() + COME_BACK_MS + this.limits.workerTimeoutMs / 3;
    for (const call of this.#pending.values()) {
      if (this.#refused.has(call)) continue;
      if (call.progress === 'waiting' || call.delivery === 'at-least-once') {
        call.progress = 'waiting';
        this.session.pipeline.push(call);
      } else {
        this.#fail(call, brokerForgot(call.invocation));
      }
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#deadlines.close();
    for (const call of this.#pending.values()) {
      this.#fail(call, closedBus());
      this.#takeAlong(call);
    }
  }

  /** Its caller waits no more: what has not begun shall not, and what runs is told. */
  #takeAlong(call: Call): void {
    if (call.progress !== 'waiting') this.session.pipeline.push(new Cancel(call, this.limits.workerTimeoutMs));
  }

  #check(invocation: Invocation, signal: AbortSignal | undefined, late: boolean): void {
    const { maxPayloadBytes, maxPendingCalls, maxPendingBytes } = this.limits;
    if (signal?.aborted === true) throw cancelled(invocation);
    const { length } = invocation.payload;
    if (length > maxPayloadBytes) throw tooLarge(invocation, maxPayloadBytes);
    const wrong = checkTarget(invocation);
    if (wrong === 'no-agent') throw noAgent(invocation);
    if (wrong !== undefined) throw new ServicesError('BERTH_SERVICE_BAD_OBJECT_ID', wrong.objectId);
    if (late) throw timedOut(invocation);
    if (this.#pending.size >= maxPendingCalls) throw busy(invocation, 'maxPendingCalls', maxPendingCalls);
    if (length > 0 && this.#bytes + length > maxPendingBytes)
      throw busy(invocation, 'maxPendingBytes', maxPendingBytes);
  }

  /** Its agent may be about to come back, or a clock about to be known. */
  #sendLater(call: Call): void {
    call.progress = 'waiting';
    this.#refused.add(call);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const refused = [...this.#refused];
      this.#refused.clear();
      for (const again of refused) if (!again.over) this.session.pipeline.push(again);
    }, ASK_AGAIN_MS);
  }

  #expired(call: Call): void {
    const { session } = this;
    const neverSent = call.progress === 'waiting' && !session.up.is;
    this.#fail(call, neverSent ? away('not accepted by its deadline', session.reason) : timedOut(call.invocation));
  }

  #fail(call: Call, error: ServicesError): void {
    this.#end(call);
    call.reject(error);
  }

  #end(call: Call): void {
    this.#pending.delete(call.number);
    this.#bytes -= call.bytes;
    this.#deadlines.remove(call);
    call.end();
  }
}

function unreadable(invocation: Invocation): ServicesError {
  return new ServicesError(
    'BERTH_SERVICE_OUTCOME_UNKNOWN',
    `the reply to ${invocationKey(invocation)} cannot be read; it has taken effect. Run the same version everywhere`,
  );
}

function brokerFailed(invocation: Invocation, why: string): ServicesError {
  return new ServicesError(
    'BERTH_SERVICE_OUTCOME_UNKNOWN',
    `the broker failed at ${invocationKey(invocation)}, which may have taken effect: ${why}`,
  );
}
