import type { AgentAnswer } from './answers.js';
import type { AgentLimits } from './capabilities.js';
import type { AskedEvent, CancelReason, EventKind, RequestCompleteEvent } from './events.js';

/** What came of one question. */
export interface Verdict {
  readonly answer: AgentAnswer;
  /** the agent could not be asked or did not answer in time, and exchanges pass all the same (fail open) */
  readonly skipped: boolean;
}

/**
 * What is said to one policy agent about one exchange. All of it goes over the
 * connection that took the first event (checklist C8).
 */
export interface Conversation {
  /** of the configuration */
  readonly agentName: string;
  readonly limits: AgentLimits;
  /** exchanges that it cannot judge pass (fail open); else they are refused */
  readonly failsOpen: boolean;

  /** Whether the agent wants to see events of this kind: as it last said, and before it has been there the head of a request alone. */
  supports(kind: EventKind): boolean;

  /**
   * Asks about one event. Events are asked about one at a time; those that come
   * meanwhile wait in their order. Ends within the deadline of the agent, whatever happens.
   *
   * @throws BerthError (as a rejection) what the client is to be told when the agent fails closed: `BERTH_POLICY_UNAVAILABLE`;
   *   and `BERTH_CONNECTION_CLOSED` after {@link cancel} or {@link end}
   */
  ask(event: AskedEvent): Promise<Verdict>;

  /**
   * An answer of it was of no use, such as one with a status that HTTP does not have: counts as a failure of the
   * agent. What becomes of the exchange is for whoever asked, by {@link failsOpen}.
   *
   * @param why a constant text, for log and metrics
   */
  misjudged(why: string): void;

  /**
   * The agent cannot be shown what it wants to see, such as what is larger than may be held: counts as a question without
   * an answer, and not as a failure of the agent. What becomes of the exchange is for whoever wanted to show it.
   */
  unseen(kind: AskedEvent['kind']): void;

  /** The exchange was cut off: the agent is told, and who waits is let go. Nothing may be asked after it. Idempotent. */
  cancel(reason: CancelReason, blockingAgentId?: string): void;

  /** The exchange is over in order; tells the agent where it wants to know. Nothing may be asked after it. Idempotent. */
  end(complete: RequestCompleteEvent): void;
}

/** One policy agent, as those see it who ask. */
export interface Judge {
  readonly name: string;
  /** Begins what is said about one exchange. Takes no connection yet. */
  begin(correlationId: string): Conversation;
}
