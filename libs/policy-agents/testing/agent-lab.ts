import { jest } from '@jest/globals';
import {
  type AgentLink,
  type Conversation,
  type Judgement,
  NO_OBSERVER,
  PolicyAgent,
  type PolicyAgentObserver,
  type PolicyAgentOptions,
  type Verdict,
} from '../src/index.js';
import { type FakeLink, headersEvent } from './fake-link.js';

/** A policy agent over fake links, with a clock that stands still, and all that its owner is told. */
export class AgentLab implements AsyncDisposable {
  readonly agent: PolicyAgent;
  readonly judged: Judgement[] = [];
  /** all else that its owner was told, one line each */
  readonly told: string[] = [];
  private count = 0;

  constructor(
    options: Partial<PolicyAgentOptions> = {},
    over: Partial<PolicyAgentObserver> = {},
    dial?: (signal: AbortSignal) => Promise<AgentLink>,
  ) {
    const observer: PolicyAgentObserver = {
      ...NO_OBSERVER,
      connected: (id) => this.told.push(`${id} connected`),
      disconnected: (id, reason) => this.told.push(`${id} disconnected ${reason}`),
      unreachable: (reason) => this.told.push(`unreachable ${reason}`),
      health: (id, from, to, reason) => this.told.push(`${id} ${from} ${to} ${reason}`.trim()),
      breaker: (state) => this.told.push(`breaker ${state}`),
      metrics: () => this.told.push('metrics'),
      log: (_id, { level, message }) => this.told.push(`log ${level} ${message}`),
      pushSettled: ({ state, error }) => this.told.push(`push ${state} ${error}`.trim()),
      judged: (judgement) => this.judged.push(judgement),
      ...over,
    };
    this.agent = new PolicyAgent('waf', { pingIntervalMs: 0, ...options }, { dial }, observer);
  }

  /** Puts links into service. */
  add(...links: FakeLink[]): this {
    for (const link of links) this.agent.add(link);
    return this;
  }

  begin(): { id: string; talk: Conversation } {
    const id = `x${this.count}`;
    this.count += 1;
    return { id, talk: this.agent.begin(id) };
  }

  /** Begins an exchange and asks about its head. */
  ask(): { id: string; talk: Conversation; verdict: Promise<string> } {
    const { id, talk } = this.begin();
    return { id, talk, verdict: outcome(talk.ask(headersEvent(id))) };
  }

  /** What is left over when all is over. */
  get leftOver(): object {
    const { inFlight, waiting, protocol } = this.agent.figures();
    return { inFlight, waiting, conversations: protocol.conversations };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.agent.close();
    await jest.advanceTimersByTimeAsync(60_000);
    await closed;
  }
}

/** What became of a question, in a word or the text of its error. */
export async function outcome(verdict: Promise<Verdict>): Promise<string> {
  try {
    const { answer, skipped } = await verdict;
    if (skipped) return 'skipped';
    return answer.needsMore ? 'needsMore' : answer.decision.kind;
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

export const NOTHING_LEFT = { inFlight: 0, waiting: 0, conversations: 0 };
