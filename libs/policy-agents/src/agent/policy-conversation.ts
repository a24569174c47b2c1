import type { Entrant, Member, Waiting } from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import { type AgentAnswer, allowed } from '../answers.js';
import type { AgentLimits } from '../capabilities.js';
import type { Conversation, Verdict } from '../conversation.js';
import type { AskedEvent, CancelReason, EventKind, RequestCompleteEvent } from '../events.js';
import type { Core } from './core.js';
import { type Due, NOT_KEPT } from './deadlines.js';
import type { PolicyConnection } from './policy-connection.js';
import { type Reason, unavailable } from './reason.js';

interface Question {
  readonly event: AskedEvent;
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (error: BerthError) => void;
}

/**
 * Where the question at hand is: there is none, it waits for a connection, for
 * room on the one that it belongs to, or for the agent's answer.
 */
type Place = 'nowhere' | 'entering' | 'holding' | 'asked';

/**
 * One exchange at one agent. Of its questions one is at hand and the others
 * wait. Once one was not answered none is asked any more: on the wire a late
 * answer looks like that to the next question.
 */
export class PolicyConversation implements Conversation, Entrant<PolicyConnection>, Due {
  dueAt = 0;
  dueIndex = NOT_KEPT;
  /** the agent wants nothing more of this exchange for now */
  paused = false;
  /** monotonic ms when the question at hand came up, or the last one did */
  beganAt = 0;
  place: Place = 'nowhere';
  private question: Question | undefined;
  private ticket: Waiting<PolicyConnection> | undefined;
  private queue: Question[] | undefined;
  private connection: PolicyConnection | undefined;
  private member: Member<PolicyConnection> | undefined;
  /** events that the agent was shown on its connection */
  private events = 0;
  private isSecondTry = false;
  private isProbe = false;
  private failedFor: Reason | undefined;
  private isOver = false;
  private lastKind: AskedEvent['kind'] = 'requestHeaders';

  constructor(
    private readonly core: Core,
    readonly correlationId: string,
  ) {}

  get agentName(): string {
    return this.core.name;
  }

  get limits(): AgentLimits {
    return this.connection?.capabilities.limits ?? this.core.limits;
  }

  get failsOpen(): boolean {
    return this.core.options.failMode === 'open';
  }

  /** No question is at hand. */
  get isIdle(): boolean {
    return this.question === undefined;
  }

  /** The event at hand. */
  get event(): AskedEvent | undefined {
    return this.question?.event;
  }

  supports(kind: EventKind): boolean {
    return this.connection?.supports(kind) ?? this.core.supports(kind);
  }

  ask(event: AskedEvent): Promise<Verdict> {
    if (this.isOver) return Promise.reject(this.overError());
    const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
    const question = { event, resolve, reject };
    if (this.question === undefined) this.take(question);
    else (this.queue ??= []).push(question);
    return promise;
  }

  misjudged(): void {
    const { core, correlationId } = this;
    core.ledger.errors += 1;
    core.breaker.failed();
    this.member?.faulted(0, core.now());
    core.failed(this.lastKind, correlationId, 'invalid', 0);
  }

  unseen(kind: AskedEvent['kind']): void {
    const { core, correlationId } = this;
    if (core.failed(kind, correlationId, 'unseen', 0)) core.ledger.skipped += 1;
  }

  cancel(reason: CancelReason, blockingAgentId?: string): void {
    if (this.isOver) return;
    this.core.ledger.cancelled += 1;
    const connection = this.finish();
    if (this.events > 0) connection?.sendCancel(this.correlationId, reason, blockingAgentId);
    connection?.forget(this);
    connection?.room();
  }

  end(complete: RequestCompleteEvent): void {
    if (this.isOver) return;
    const connection = this.finish();
    if (this.events > 0) connection?.sendComplete(complete);
    connection?.forget(this);
    connection?.room();
  }

  /** A connection has been found for the first event. */
  begin(member: Member<PolicyConnection>): void {
    this.ticket = undefined;
    this.member = member;
    this.connection = member.connection;
    this.connection.show(this);
  }

  /** No connection was found for it. */
  refused(): void {
    this.ticket = undefined;
    this.fail(this.core.obstacle());
  }

  /** It waits on its connection. @param until monotonic ms */
  held(until: number): void {
    this.place = 'holding';
    this.due(until);
  }

  /** The agent is being shown the event at hand. @param stretch of the time for an answer */
  shown(stretch: number): void {
    const { core } = this;
    this.place = 'asked';
    this.events += 1;
    core.ledger.requests += 1;
    this.due(this.beganAt + core.options.timeoutMs * stretch);
  }

  /** The agent does not want to see events of this kind. */
  notShown(): void {
    this.leave().resolve({ answer: allowed(this.correlationId), skipped: false });
    this.next();
  }

  /** To the question at hand, which is asked. */
  answered(answer: AgentAnswer): void {
    const { core, connection } = this;
    const now = core.now();
    const durationMs = now - this.beganAt;
    core.breaker.succeeded(now);
    const { event, resolve } = this.leave();
    this.member?.countAnswer(durationMs, now);
    core.answered(event.kind, answer, durationMs);
    resolve({ answer, skipped: false });
    this.next();
    connection?.room();
  }

  /**
   * Its connection has ended. What had only its first event there is shown that once more elsewhere.
   *
   * @param problem for people; empty: it ended in order
   */
  lost(problem: string): void {
    const isTriedAgain = this.place === 'asked' && this.events === 1 && !this.isSecondTry;
    this.connection = undefined;
    this.events = 0;
    if (this.question === undefined) this.failedFor ??= 'lost';
    else if (!isTriedAgain) this.fail('lost', problem);
    else {
      this.isSecondTry = true;
      this.enter();
    }
  }

  /** Its connection is being closed, whatever runs on it. */
  shutDown(): void {
    if (this.events > 0) this.connection?.sendCancel(this.correlationId, 'proxyShutdown');
    this.events = 0;
    if (this.question === undefined) {
      this.connection = undefined;
      this.failedFor ??= 'closed';
    } else this.fail('closed');
  }

  /** Its time has come. */
  expire(): void {
    if (this.place === 'asked') this.fail('timeout');
    else if (this.place === 'entering') this.fail(this.core.obstacle());
    else this.fail(this.paused || this.connection?.paused === true ? 'paused' : 'full');
  }

  /**
   * The question at hand is not answered, and no further one is asked.
   *
   * @param detail for people
   */
  fail(reason: Reason, detail = ''): void {
    const { core, correlationId, connection, place } = this;
    const { ledger } = core;
    const now = core.now();
    const durationMs = now - this.beganAt;
    if (place === 'asked') {
      ledger.errors += 1;
      connection?.owes(correlationId);
    }
    if (reason === 'timeout') {
      ledger.timeouts += 1;
      core.breaker.failed();
      this.member?.faulted(durationMs, now);
    }
    const { event, resolve, reject } = this.leave();
    this.failedFor = reason;
    this.connection = undefined;
    if (this.events > 0) connection?.sendCancel(correlationId, reason === 'tooLarge' ? 'manual' : 'timeout');
    this.events = 0;
    connection?.forget(this);
    if (core.failed(event.kind, correlationId, reason, durationMs)) {
      ledger.skipped += 1;
      resolve({ answer: allowed(correlationId), skipped: true });
    } else reject(unavailable(core.name, reason, detail));
    this.next();
    connection?.room();
  }

  private take(question: Question): void {
    this.question = question;
    this.lastKind = question.event.kind;
    this.beganAt = this.core.now();
    if (this.failedFor !== undefined) this.fail(this.failedFor);
    else if (this.connection === undefined) this.enter();
    else this.connection.ask(this);
  }

  private next(): void {
    const question = this.question === undefined ? this.queue?.shift() : undefined;
    if (question !== undefined) this.take(question);
  }

  private enter(): void {
    const { core, event } = this;
    this.place = 'entering';
    const refusal = core.refusal(this.isProbe);
    if (refusal !== undefined) {
      this.fail(refusal);
      return;
    }
    this.isProbe = core.breaker.state !== 'closed';
    this.due(this.beganAt + core.options.timeoutMs);
    const key = event?.kind === 'requestHeaders' ? event.metadata.clientIp : '';
    const ticket = core.admission.enter(key, this);
    // Without one it has begun, and much may have happened since.
    if (ticket !== undefined) this.ticket = ticket;
  }

  private due(at: number): void {
    this.dueAt = at;
    this.core.deadlines.keep(this);
  }

  /** Takes the question at hand from wherever it is. */
  private leave(): Question {
    const { core, connection, correlationId, place, question, ticket } = this;
    if (question === undefined) throw new BerthError('BERTH_INTERNAL', `no question of ${correlationId} is at hand`);
    core.deadlines.drop(this);
    connection?.left(this, place === 'asked');
    if (ticket !== undefined) core.admission.cancel(ticket);
    if (this.isProbe) core.breaker.released();
    this.isProbe = false;
    this.ticket = this.question = undefined;
    this.place = 'nowhere';
    return question;
  }

  /** Nothing more is asked. @returns the connection that it was on */
  private finish(): PolicyConnection | undefined {
    const { connection, queue, place, correlationId } = this;
    this.isOver = true;
    this.queue = undefined;
    if (place === 'asked') connection?.owes(correlationId);
    if (this.question !== undefined) this.leave().reject(this.overError());
    for (const { reject } of queue ?? []) reject(this.overError());
    this.connection = undefined;
    return connection;
  }

  private overError(): BerthError {
    return new BerthError('BERTH_CONNECTION_CLOSED', `the exchange is over at policy agent ${this.agentName}`);
  }
}
