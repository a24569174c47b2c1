import type { DialledConnection, Member, PushCarrier } from '@berth/agent-pool';
import { BerthError, messageOf } from '@berth/errors';
import type { AgentAnswer } from '../answers.js';
import type { AgentCapabilities } from '../capabilities.js';
import type { CancelReason, EventKind, RequestCompleteEvent } from '../events.js';
import type { AgentLink, AgentMessage, LinkReceiver, ProxyMessage } from '../link.js';
import type { AgentReport } from '../reports.js';
import { Affinity } from './affinity.js';
import type { Core } from './core.js';
import { OwedAnswers } from './owed-answers.js';
import type { PolicyConversation } from './policy-conversation.js';
import { ReportedState } from './reported-state.js';

/** Who has a connection, and hears what does not belong to a question. */
export interface ConnectionOwner {
  reported(connection: PolicyConnection, report: AgentReport): void;
  /** @returns whether it was the answer to a configuration */
  configured(connection: PolicyConnection, answer: AgentAnswer): boolean;
  /** It has ended; its conversations are told after this. */
  ended(connection: PolicyConnection, error: BerthError | undefined): void;
}

/** One link to a policy agent in its pool, with the conversations that go over it. */
export class PolicyConnection implements DialledConnection, PushCarrier, LinkReceiver<AgentMessage> {
  readonly origin: { readonly instanceId: string };
  /** ms since the epoch, to be shown */
  readonly connectedAt = Date.now();
  readonly capacity: number;
  inFlight = 0;
  accepting = true;
  congested = false;
  standby = false;
  /** it is being closed, or it is */
  leaving = false;
  /** the agent wants nothing more on it for now */
  paused = false;
  /** why it ended; empty: in order, or it has not */
  problem = '';
  readonly state: ReportedState;
  /** exchanges that it is asked about */
  readonly conversations = new Affinity<PolicyConversation>();
  private member: Member<PolicyConnection> | undefined;
  /** those whose question waits for room, or for the end of a pause of all */
  private readonly holding = new Set<PolicyConversation>();
  private readonly owed = new OwedAnswers();
  private drainTimer: NodeJS.Timeout | undefined;
  private isFinished = false;

  constructor(
    readonly id: string,
    readonly link: AgentLink,
    private readonly core: Core,
    private readonly owner: ConnectionOwner,
  ) {
    // Behind one address may be several processes, and nothing tells them apart: each link counts as one.
    this.origin = { instanceId: id };
    const { features, limits } = link.capabilities;
    const said = [features.concurrentRequests, limits.maxConcurrency].filter((most) => most > 0);
    this.capacity = Math.min(core.options.maxInFlightPerConnection, ...said);
    this.state = new ReportedState(this);
  }

  get capabilities(): AgentCapabilities {
    return this.link.capabilities;
  }

  /** From now on what comes is taken. */
  serve(member: Member<PolicyConnection>): void {
    this.member = member;
    this.state.serve(member, this.core);
    this.link.receiver = this;
  }

  supports(kind: EventKind): boolean {
    return this.capabilities.supportedEvents.has(kind) && !this.state.disabled.has(kind);
  }

  /** Asks a further question of a conversation, now or when it may be. */
  ask(conversation: PolicyConversation): void {
    const { flowMode, flowWaitMs, timeoutMs } = this.core.options;
    const isPaused = this.paused || conversation.paused;
    if (!isPaused && this.hasRoom) {
      this.show(conversation);
      return;
    }
    if (isPaused && flowMode !== 'waitAndRetry') {
      conversation.fail('paused');
      return;
    }
    if (!conversation.paused) this.holding.add(conversation);
    conversation.held(conversation.beganAt + (isPaused ? Math.min(flowWaitMs, timeoutMs) : timeoutMs));
  }

  /** A question was answered, or is waited for no longer. */
  left(conversation: PolicyConversation, wasAsked: boolean): void {
    if (wasAsked) this.inFlight -= 1;
    else this.holding.delete(conversation);
  }

  /** Nobody waits for the answer that is to come. */
  owes(correlationId: string): void {
    this.owed.expect(correlationId, 'late');
  }

  /** The conversation ends here. */
  forget(conversation: PolicyConversation): void {
    this.conversations.forget(conversation);
    if (this.leaving && this.conversations.size === 0) this.finish();
  }

  /** Tells the agent that nothing more comes of an exchange. */
  sendCancel(correlationId: string, reason: CancelReason, blockingAgentId?: string): void {
    if (!this.capabilities.features.cancellation) return;
    this.send({ kind: 'cancel', correlationId, reason, timestampMs: Date.now(), blockingAgentId });
  }

  sendComplete(event: RequestCompleteEvent): void {
    if (!this.supports('requestComplete')) return;
    if (this.congested) {
      // Nobody waits for it, so nobody would hold back the next one.
      this.core.ledger.completesLeftOut += 1;
      return;
    }
    this.owed.expect(event.correlationId, 'complete');
    this.send(event);
  }

  /** There may be room for who waits. */
  room(): void {
    for (const conversation of this.holding) {
      if (this.paused || !this.hasRoom) break;
      this.holding.delete(conversation);
      this.show(conversation);
    }
    this.core.admission.roomMade();
  }

  /** @param correlationId of the exchange that is meant; undefined: all */
  setPaused(paused: boolean, correlationId?: string): void {
    if (correlationId === undefined) {
      this.paused = paused;
      this.state.pauseAsked(paused);
      return;
    }
    const conversation = this.conversations.get(correlationId);
    if (conversation === undefined || conversation.paused === paused) return;
    conversation.paused = paused;
    if (conversation.place !== 'holding') return;
    if (paused) this.holding.delete(conversation);
    else {
      this.holding.add(conversation);
      this.room();
    }
  }

  pushConfig({ pushId, configJson }: { pushId: string; configJson: string }): void {
    this.configure(configJson, false, pushId);
  }

  /** @param correlationId of the agent's answer @throws BerthError `BERTH_BODY_TOO_LARGE`: the agent cannot be told so much */
  configure(configJson: string, isInitial: boolean, correlationId: string): void {
    const told = { correlationId, configJson, version: correlationId, isInitial, timestampMs: Date.now() };
    let limit: string | undefined;
    const hasRoom = this.link.send({ kind: 'configure', ...told }, (most) => (limit = most));
    if (!hasRoom) this.congested = true;
    if (limit !== undefined)
      throw new BerthError('BERTH_BODY_TOO_LARGE', `the configuration is too large: the agent takes ${limit}`);
  }

  /** What is too large is left out; after its end nothing happens. */
  send(message: ProxyMessage): void {
    if (!this.link.send(message)) this.congested = true;
  }

  /** Nothing new begins here; it ends with its last conversation, or after `drainMs`. Idempotent. */
  close(): void {
    if (this.leaving) return;
    this.leaving = true;
    this.accepting = this.standby = false;
    const { drainMs } = this.core.options;
    if (this.conversations.size === 0 || drainMs === 0) {
      this.finish();
      return;
    }
    this.send({ kind: 'shutdown', reason: 'graceful', gracePeriodMs: drainMs, timestampMs: Date.now() });
    this.drainTimer = setTimeout(() => this.finish(), drainMs);
    this.drainTimer.unref();
  }

  message(message: AgentMessage): void {
    this.state.heard();
    if (message.kind === 'answer') this.answered(message);
    else if (message.kind === 'pong') this.state.ponged();
    else this.owner.reported(this, message);
  }

  drained(): void {
    this.congested = false;
    this.room();
  }

  closed(error: BerthError | undefined): void {
    clearTimeout(this.drainTimer);
    this.leaving = this.isFinished = true;
    this.accepting = false;
    this.inFlight = 0;
    this.holding.clear();
    this.problem = error?.message ?? '';
    this.owner.ended(this, error);
    for (const conversation of this.conversations.clear()) conversation.lost(this.problem);
  }

  private get hasRoom(): boolean {
    return this.inFlight < this.capacity && !this.congested;
  }

  /** Shows the agent the event at hand. */
  show(conversation: PolicyConversation): void {
    const { event } = conversation;
    if (event === undefined) return;
    if (!this.conversations.keep(conversation)) {
      conversation.fail('duplicate');
      return;
    }
    if (!this.supports(event.kind)) {
      conversation.notShown();
      return;
    }
    this.inFlight += 1;
    this.member?.began();
    conversation.shown(this.state.stretch);
    const tooLarge = (limit: string): void => {
      conversation.fail('tooLarge', `it takes ${limit}`);
    };
    try {
      if (!this.link.send(event, tooLarge)) this.congested = true;
    } catch (thrown) {
      this.core.ledger.serializationErrors += 1;
      conversation.fail('lost', messageOf(thrown));
    }
  }

  private answered(answer: AgentAnswer): void {
    const { ledger } = this.core;
    const conversation = this.conversations.get(answer.correlationId);
    if (conversation?.place === 'asked') {
      conversation.answered(answer);
      return;
    }
    if (this.owner.configured(this, answer)) return;
    const owed = this.owed.take(answer.correlationId);
    if (owed === 'complete') return;
    if (owed === 'late' || conversation !== undefined) ledger.lateAnswers += 1;
    else ledger.unknownAnswers += 1;
  }

  private finish(): void {
    if (this.isFinished) return;
    this.isFinished = true;
    clearTimeout(this.drainTimer);
    for (const conversation of this.conversations.clear()) conversation.shutDown();
    this.link.close();
  }
}
