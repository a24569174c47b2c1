import {
  type AgentAnswer,
  type AskedEvent,
  type CancelReason,
  correlationOf,
  type EventKind,
} from '@berth/policy-agents';
import { allow, type Answer, block } from './answer.js';
import { type Asked, ExchangeTable, type ExchangeBound, type ExchangeRecord } from './exchange.js';
import type { LoadMeter } from './load-meter.js';
import type { Handled, PolicyHandlers } from './options.js';
import type { Notes } from './notes.js';
import { remembers, type Settings } from './settings.js';
import { BodyChunk, Frame, PolicyRequest, PolicyResponse } from './views.js';
import type { Workplace } from './workplace.js';

/** What the judges of all connections share. */
export interface Bench<State> {
  readonly settings: Settings<State>;
  readonly workplace: Workplace;
  readonly load: LoadMeter;
  readonly notes: Notes;
  readonly bound: ExchangeBound;
  readonly now: () => number;
}

/** Takes the questions of one connection, or all those that come in calls of their own, to the handlers. Those about one exchange are judged one after the other. */
export class ConnectionJudge<State> {
  readonly #exchanges: ExchangeTable<State>;
  readonly #remembers: boolean;
  #lost = false;

  constructor(private readonly bench: Bench<State>) {
    this.#exchanges = new ExchangeTable(bench.bound, bench.settings.state, bench.now);
    this.#remembers = remembers(bench.settings);
  }

  ask(asked: Asked): void {
    const { event } = asked;
    const { workplace, load } = this.bench;
    const record = this.#recordOf(event);
    if (record === undefined) {
      load.rejected();
      this.bench.notes.say('exchanges', `there are more than ${this.bench.bound.max} exchanges at once (maxExchanges)`);
      this.#answer(asked, this.#failed());
    } else if (record.busy) {
      if (workplace.mayWait()) record.queue.push(asked);
      else this.#refuse(record, asked);
    } else if (workplace.free) this.#judge(record, asked);
    else if (workplace.mayWait()) {
      record.busy = true;
      workplace.wait(() => {
        record.busy = false;
        if (record.over) this.#leave(asked);
        else this.#judge(record, asked);
        this.#next(record);
      });
    } else this.#refuse(record, asked);
  }

  cancel(id: string, reason: CancelReason): void {
    const record = this.#exchanges.get(id);
    if (record !== undefined) this.#cutOff(record, reason);
  }

  /** The connection is gone, and with it all that went over it. */
  lose(): void {
    this.#lost = true;
    for (const record of [...this.#exchanges.all()]) this.#cutOff(record, 'proxyShutdown');
  }

  /** Forgets exchanges of which nothing was heard for long. */
  sweep(): void {
    const then = this.bench.now() - this.bench.settings.exchangeIdleMs;
    for (const record of [...this.#exchanges.idleSince(then)]) this.#cutOff(record, 'timeout');
  }

  #cutOff(record: ExchangeRecord<State>, reason: CancelReason): void {
    this.#exchanges.remove(record);
    const waiting = record.queue.splice(0);
    this.bench.workplace.leaveQueue(waiting.length);
    for (const asked of waiting) this.#leave(asked);
    record.cutOff();
    try {
      this.bench.settings.onCancel?.(reason, record);
    } catch (thrown) {
      this.bench.notes.failed('onCancel', thrown);
    }
  }

  /** @returns undefined: there are too many exchanges already */
  #recordOf(event: AskedEvent): ExchangeRecord<State> | undefined {
    const id = correlationOf(event);
    const known = this.#exchanges.get(id);
    // A second head under one id is another request, which must not find the state of the first.
    const again = event.kind === 'requestHeaders' && known?.request !== undefined && !known.busy;
    if (again) this.#cutOff(known, 'manual');
    else if (known !== undefined) {
      known.touchedAt = this.bench.now();
      return known;
    }
    // Its end needs no memory, and must not be refused.
    return event.kind === 'requestComplete' ? this.#exchanges.single(id) : this.#exchanges.begin(id);
  }

  #refuse(record: ExchangeRecord<State>, asked: Asked): void {
    this.bench.load.rejected();
    this.bench.notes.say('waiting', 'more questions wait than maxWaiting allows');
    this.#answer(asked, this.#failed());
    if (!this.#remembers && !record.busy) this.#exchanges.remove(record);
  }

  /** Nobody waits for its answer: it was cancelled, or who asked is gone. */
  #leave(asked: Asked): void {
    if (asked.isCall === true) this.#answer(asked, this.#failed());
  }

  #judge(record: ExchangeRecord<State>, asked: Asked): void {
    const { event } = asked;
    const beganAt = this.bench.now();
    let result: Handled | Promise<Handled>;
    try {
      result = handle(this.bench.settings, event, record);
    } catch (thrown) {
      this.#settle(record, asked, this.#fault(event.kind, thrown), beganAt);
      return;
    }
    if (!isPromise(result)) {
      this.#settle(record, asked, this.#checked(event.kind, result), beganAt);
      return;
    }
    record.busy = true;
    this.bench.workplace.enter();
    void this.#inTime(result, event.kind).then((answer) => {
      record.busy = false;
      this.#settle(record, asked, answer, beganAt);
      this.#next(record);
      this.bench.workplace.leave();
    });
  }

  /** What waited for this exchange, if anything did. */
  #next(record: ExchangeRecord<State>): void {
    while (!record.busy) {
      const asked = record.queue.shift();
      if (asked === undefined) return;
      this.bench.workplace.leaveQueue(1);
      this.#judge(record, asked);
    }
  }

  /** Never fails. */
  #inTime(result: Promise<Handled>, kind: EventKind): Promise<Answer> {
    const { handlerTimeoutMs } = this.bench.settings;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.bench.load.timedOut();
        resolve(this.#fault(kind, new Error(`it took longer than handlerTimeoutMs, ${handlerTimeoutMs} ms`)));
      }, handlerTimeoutMs);
      result.then(
        (answer) => {
          clearTimeout(timer);
          resolve(this.#checked(kind, answer));
        },
        (thrown: unknown) => {
          clearTimeout(timer);
          resolve(this.#fault(kind, thrown));
        },
      );
    });
  }

  #checked(kind: EventKind, answer: Handled): Answer {
    if (answer === undefined) return allow();
    const unfit = unfitness(kind, answer);
    return unfit === undefined ? answer : this.#fault(kind, new Error(unfit));
  }

  #fault(kind: EventKind, thrown: unknown): Answer {
    this.bench.load.failed();
    this.bench.notes.failed(kind, thrown);
    return this.#failed();
  }

  #failed(): Answer {
    return this.bench.settings.onError === 'allow' ? allow() : block(503, 'policy agent failed\n');
  }

  #settle(record: ExchangeRecord<State>, asked: Asked, answer: Answer, beganAt: number): void {
    const { kind } = asked.event;
    const tookMs = this.bench.now() - beganAt;
    this.bench.load.judged(answer.decision.kind, tookMs);
    if (record.over) this.#leave(asked);
    else this.#answer(asked, answer, tookMs);
    if (kind === 'requestComplete') record.over = true;
    if (record.over || !this.#remembers) this.#exchanges.remove(record);
    if (kind !== 'requestComplete') return;
    // A proxy that goes on about an exchange which it ended begins another one.
    const rest = record.queue.splice(0);
    this.bench.workplace.leaveQueue(rest.length);
    for (const one of rest) this.ask(one);
  }

  #answer(asked: Asked, answer: Answer, tookMs = 0): void {
    if (this.#lost) return;
    const { event, reply } = asked;
    reply(messageOf(event, answer, tookMs), (limit) => {
      const fault = this.#fault(event.kind, new Error(`its answer is larger than ${limit}`));
      reply(messageOf(event, fault, tookMs));
    });
  }
}

function messageOf(event: AskedEvent, answer: Answer, tookMs: number): AgentAnswer {
  const { decision, requestHeaders, responseHeaders, audit, needsMore, body, frame } = answer;
  const mutation =
    body !== undefined && (event.kind === 'requestBody' || event.kind === 'responseBody')
      ? { [event.kind]: { chunkIndex: event.chunkIndex, data: body } }
      : undefined;
  return {
    kind: 'answer',
    correlationId: correlationOf(event),
    decision,
    requestHeaders,
    responseHeaders,
    audit,
    processingTimeMs: Math.round(tookMs),
    needsMore,
    ...mutation,
    frame: event.kind === 'webSocketFrame' ? frame : undefined,
  };
}

/** Why an answer is none to an event of this kind: programs in JavaScript return what they like. */
function unfitness(kind: EventKind, answer: Answer): string | undefined {
  if (typeof answer !== 'object' || (answer as Answer | null)?.decision === undefined) {
    return `it returned ${JSON.stringify(answer)}, which is no answer; use block(), allow() …`;
  }
  const isBody = kind === 'requestBody' || kind === 'responseBody';
  const isFrame = kind === 'webSocketFrame';
  if (answer.frame !== undefined && answer.body === undefined && !isFrame) return 'closeSocket() is for frames';
  if (answer.body !== undefined && answer.frame === undefined && !isBody) return 'replace() is for chunks of bodies';
  if (answer.body !== undefined && !isBody && !isFrame) return 'drop() is for chunks of bodies and frames';
  return undefined;
}

function isPromise(result: Handled | Promise<Handled>): result is Promise<Handled> {
  return typeof (result as Promise<Handled> | undefined)?.then === 'function';
}

function handle<State>(
  handlers: PolicyHandlers<State>,
  event: AskedEvent,
  record: ExchangeRecord<State>,
): Handled | Promise<Handled> {
  switch (event.kind) {
    case 'requestHeaders':
      record.request = new PolicyRequest(event);
      return handlers.onRequest?.(record.request, record);
    case 'requestBody':
      return handlers.onRequestBody?.(new BodyChunk(event), record);
    case 'responseHeaders':
      return handlers.onResponse?.(new PolicyResponse(event), record);
    case 'responseBody':
      return handlers.onResponseBody?.(new BodyChunk(event), record);
    case 'webSocketFrame':
      return handlers.onFrame?.(new Frame(event), record);
    case 'guardrail':
      return handlers.onGuardrail?.(event, record);
    case 'requestComplete':
      return handlers.onComplete?.(event, record);
  }
}
