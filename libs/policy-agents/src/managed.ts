import type { FlowMode, HealthState, StrategyName } from '@berth/agent-pool';
import type { LatencyHistogram } from '@berth/observability';
import type { AuditData, Decision } from './answers.js';
import type { AgentCapabilities } from './capabilities.js';
import type { Judge } from './conversation.js';
import type { AskedEvent } from './events.js';
import type { AgentLink, Transport } from './link.js';
import type { ConfigUpdate, HealthReport, LogReport, MetricsReport } from './reports.js';

/** How one policy agent is asked. Defaults as in checklist C1. */
export interface PolicyAgentOptions {
  readonly strategy: StrategyName;
  /** that the gateway dials; reverse connections are not counted here */
  readonly connections: number;
  readonly connectTimeoutMs: number;
  /** of one question; what the agent reports stretches it, fourfold at most */
  readonly timeoutMs: number;
  /** whether exchanges pass while the agent cannot be asked */
  readonly failMode: 'open' | 'closed';
  readonly flowMode: FlowMode;
  /** with `waitAndRetry` */
  readonly flowWaitMs: number;
  /** questions at once; what the agent says counts too */
  readonly maxInFlightPerConnection: number;
  /** conversations that wait for room; further ones are refused */
  readonly maxWaiting: number;
  /** failures after which nobody asks for `openMs`: in a row, or when they are half of what was asked in about 15 s; 0: never */
  readonly breaker: { readonly failures: number; readonly openMs: number };
  readonly pingIntervalMs: number;
  readonly drainMs: number;
  readonly maxLogsPerSecond: number;
  /** JSON text, sent to each connection first; undefined: none */
  readonly configJson?: string | undefined;
  readonly push: {
    readonly ackTimeoutMs: number;
    readonly tries: number;
    readonly retryMs: number;
    readonly maxPending: number;
    readonly history: number;
  };
  /** decisions that {@link PolicyAgentFigures.decisions} shows; 0: none */
  readonly rememberedDecisions: number;
}

/** Where its connections come from. */
export interface LinkSource {
  /** opens one; undefined: the agent dials, and its links come by {@link ManagedAgent.add} */
  readonly dial?: ((signal: AbortSignal) => Promise<AgentLink>) | undefined;
}

/** What its owner is told. Calls come in their own order, are bounded in number, and must return soon. */
export interface PolicyAgentObserver {
  connected(connectionId: string, link: AgentLink): void;
  /**
   * @param reason error code or `closed`
   * @param detail what it was, in words; may be empty
   */
  disconnected(connectionId: string, reason: string, detail: string): void;
  /** it could not be dialled; once until it succeeds */
  unreachable(reason: string): void;
  /** of one connection */
  health(connectionId: string, from: HealthState, to: HealthState, reason: string): void;
  breaker(state: BreakerState): void;
  metrics(connectionId: string, report: MetricsReport): void;
  log(connectionId: string, report: LogReport): void;
  /** how the agent is answered */
  configUpdate(update: ConfigUpdate): { readonly accepted: boolean; readonly error?: string | undefined };
  pushSettled(push: PolicyPush): void;
  /** each question that was answered, failed or skipped */
  judged(judgement: Judgement): void;
}

export type BreakerState = 'closed' | 'open' | 'halfOpen';

/** What came of one question. */
export interface Judgement {
  readonly event: AskedEvent['kind'];
  readonly correlationId: string;
  /** `needsMore` in place of allow; `error`, `skipped`: it did not decide */
  readonly outcome: Decision['kind'] | 'needsMore' | 'error' | 'skipped';
  /** of a question that was not answered, such as `timeout`, `paused`, `breaker`, `away`, `full`, `lost`, `invalid` */
  readonly reason?: string | undefined;
  readonly status?: number | undefined;
  readonly audit?: AuditData | undefined;
  readonly durationMs: number;
}

export interface RememberedDecision extends Judgement {
  /** ms since the epoch */
  readonly at: number;
}

/** One configuration on its way to the connections of the agent (checklist C19). */
export interface PolicyPush {
  readonly id: string;
  readonly bytes: number;
  /** ms since the epoch */
  readonly createdAt: number;
  readonly state: 'pending' | 'sent' | 'acknowledged' | 'failed' | 'expired';
  readonly tries: number;
  /** empty when all is well */
  readonly error: string;
  readonly settledAt?: number | undefined;
}

export interface PolicyConnectionFigures {
  readonly id: string;
  readonly remote: string;
  readonly transport: Transport;
  readonly state: HealthState;
  readonly reason: string;
  /** ms since the epoch */
  readonly connectedAt: number;
  readonly inFlight: number;
  readonly capacity: number;
  readonly requests: number;
  readonly errors: number;
  readonly paused: boolean;
  readonly capabilities: AgentCapabilities;
  readonly lastReport?: HealthReport | undefined;
}

export interface PolicyAgentFigures {
  readonly connections: readonly PolicyConnectionFigures[];
  readonly inFlight: number;
  readonly waiting: number;
  readonly requests: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly skipped: number;
  readonly cancelled: number;
  /** answers to questions that nobody asked, or that were over */
  readonly lateAnswers: number;
  readonly unknownAnswers: number;
  /** messages of the agent that were passed over: too many, or they made no sense */
  readonly passedOver: number;
  readonly flowSignals: number;
  /** questions that were not answered, by reason */
  readonly rejections: Readonly<Record<string, number>>;
  readonly breaker: BreakerState;
  readonly breakerOpened: number;
  readonly drained: boolean;
  /** why the last attempt to dial failed; empty after a success */
  readonly problem: string;
  /** the newest first */
  readonly decisions: readonly RememberedDecision[];
  readonly protocol: ProtocolFigures;
}

/** What the protocol itself did (checklist C21). */
export interface ProtocolFigures {
  readonly responses: number;
  /** links that ended with an error, and of them those over which came what nobody can read */
  readonly connectionErrors: number;
  readonly serializationErrors: number;
  readonly pauses: number;
  readonly resumes: number;
  readonly capacityUpdates: number;
  /** ends of exchanges that were not told, because the agent did not read */
  readonly completesLeftOut: number;
  /** exchanges that were forgotten until their next question */
  readonly affinityEvictions: number;
  /** exchanges that belong to a connection */
  readonly conversations: number;
  /** questions in flight of those that all connections take, 0 … 1 */
  readonly bufferUse: number;
  readonly activeConnections: number;
  readonly healthyConnections: number;
  readonly pausedConnections: number;
  /** of questions that were answered */
  readonly durations: LatencyHistogram;
}

/** One policy agent as its owner sees it. */
export interface ManagedAgent extends Judge {
  /** Takes a reverse connection. @returns why it is refused; undefined: it is in service */
  add(link: AgentLink): string | undefined;
  figures(): PolicyAgentFigures;
  /** @throws BerthError `BERTH_CONFIG_PUSH_UNSUPPORTED`, `BERTH_TOO_MANY_PUSHES` */
  push(configJson: string): PolicyPush;
  /** The newest first. */
  pushes(): readonly PolicyPush[];
  /** Nothing new is asked while it is drained; what is under way goes on. */
  setDrained(drained: boolean): void;
  /** Replaces its connections, one after the other, and closes the breaker. */
  reconnect(): void;
  /** Nothing new is asked from now on. Conversations go on for `drainMs`, then they are cancelled. Idempotent. */
  close(): Promise<void>;
}
