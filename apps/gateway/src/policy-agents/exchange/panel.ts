import { BerthError } from '@berth/errors';
import type { OpenHead } from '@berth/exchange';
import type { AgentAnswer, AskedEvent, CancelReason, RequestCompleteEvent, Verdict } from '@berth/policy-agents';
import type { Heads } from './heads.js';
import { type Instead, insteadOf } from './instead.js';
import type { Member, Side } from './member.js';
import type { InspectionContext, InspectionOptions } from './options.js';

/** Something that the agents of an exchange are asked about. */
export interface Question {
  readonly side: Side;
  /** As it is now, after those before have changed it; undefined: this one is not asked. */
  eventFor(member: Member): AskedEvent | undefined;
  /** Nothing follows by which this one could still decide. */
  isLastFor(member: Member): boolean;
  /** Takes up what an answer changes, besides heads. @returns what is wrong with it, always the same text for the same fault */
  take?(member: Member, answer: AgentAnswer): string | undefined;
}

/** Asks the agents of one exchange, and makes one ruling of what they say. */
export class Panel {
  private over = false;

  constructor(
    readonly members: readonly Member[],
    private readonly options: InspectionOptions,
    private readonly context: InspectionContext,
    private readonly correlationId: string,
    private readonly request: { readonly openHead: OpenHead; readonly clientAddress: string },
    private readonly heads: Heads,
  ) {}

  /**
   * @returns the answer in place of the service's, of the first agent that wants one; undefined: none, and also when
   *   the exchange is over
   * @throws BerthError when one that fails closed cannot judge
   */
  async ask(question: Question): Promise<Instead | undefined> {
    return this.options.mode === 'sequence' ? this.askInTurn(question) : this.askAtOnce(question);
  }

  /** The exchange was cut off. */
  cancel(reason: CancelReason): void {
    if (this.over) return;
    this.over = true;
    for (const { conversation } of this.members) conversation.cancel(reason);
  }

  /** The exchange is over in order. */
  end(complete: RequestCompleteEvent): void {
    if (this.over) return;
    this.over = true;
    for (const { conversation } of this.members) conversation.end(complete);
  }

  /**
   * An answer cannot be used: its agent counts as one that has failed.
   *
   * @throws BerthError when the agent fails closed
   */
  misjudged({ conversation }: Member, why: string): void {
    const { agentName, failsOpen } = conversation;
    conversation.misjudged(why);
    this.context.limitedLog.warn(
      { agentId: this.context.key, policyAgent: agentName, why },
      'an answer of a policy agent is of no use',
    );
    if (failsOpen) return;
    throw new BerthError(
      'BERTH_POLICY_UNAVAILABLE',
      `policy agent ${agentName} gave an answer that cannot be used: ${why}`,
    );
  }

  /**
   * An agent cannot be shown what it wants to see.
   *
   * @param error what the client is told
   * @throws it when the agent fails closed
   */
  unseen({ conversation }: Member, kind: AskedEvent['kind'], error: BerthError): void {
    const { agentName, failsOpen } = conversation;
    conversation.unseen(kind);
    const fields = { agentId: this.context.key, policyAgent: agentName, event: kind, why: error.message };
    this.context.limitedLog.warn(fields, 'a policy agent was not shown what it wants to see');
    if (!failsOpen) throw error;
  }

  private async askInTurn(question: Question): Promise<Instead | undefined> {
    for (const member of this.members) {
      const event = question.eventFor(member);
      if (event === undefined) continue;
      const verdict = await member.ask(event);
      if (this.over) return undefined;
      const instead = this.judge(question, member, event, verdict);
      if (instead !== undefined) return instead;
    }
    return undefined;
  }

  private async askAtOnce(question: Question): Promise<Instead | undefined> {
    const asked = this.members.flatMap((member) => {
      const event = question.eventFor(member);
      if (event === undefined) return [];
      const verdict = member.ask(event);
      // Another one may decide before anybody waits for this one.
      verdict.catch(() => undefined);
      return [{ member, event, verdict }];
    });
    for (const { member, event, verdict } of asked) {
      const said = await verdict;
      if (this.over) return undefined;
      const instead = this.judge(question, member, event, said);
      if (instead !== undefined) return instead;
    }
    return undefined;
  }

  private judge(question: Question, member: Member, event: AskedEvent, verdict: Verdict): Instead | undefined {
    const { answer, skipped } = verdict;
    const needsMore = !skipped && answer.needsMore && !question.isLastFor(member);
    member.needsMore[question.side] = needsMore;
    // What it says before it has seen enough may change.
    const decision = needsMore ? undefined : answer.decision;
    if (decision !== undefined && decision.kind !== 'allow') {
      const instead = insteadOf(decision);
      this.tell(member, event, verdict, typeof instead === 'string' ? undefined : instead);
      if (typeof instead === 'string') this.misjudged(member, instead);
      else return this.blockedBy(member, instead);
      return undefined;
    }
    this.tell(member, event, verdict);
    const fault = this.heads.take(answer) ?? question.take?.(member, answer);
    if (fault === undefined) return undefined;
    member.needsMore[question.side] = false;
    this.misjudged(member, fault);
    return undefined;
  }

  /** Whoever is still asked need not go on. */
  private blockedBy({ conversation: { agentName } }: Member, instead: Instead): Instead {
    for (const { conversation, isAsked } of this.members) if (isAsked) conversation.cancel('blockedByAgent', agentName);
    return instead;
  }

  private tell({ conversation: { agentName } }: Member, event: AskedEvent, verdict: Verdict, ruling?: Instead): void {
    const { clientAddress, openHead } = this.request;
    const [path = ''] = openHead.target.split('?', 1);
    this.context.judged({
      agentName,
      correlationId: this.correlationId,
      event: event.kind,
      decision: ruling === undefined ? 'allow' : verdict.answer.decision.kind,
      status: ruling?.status ?? 0,
      skipped: verdict.skipped,
      audit: verdict.answer.audit,
      method: openHead.method,
      path,
      clientAddress,
    });
  }
}
