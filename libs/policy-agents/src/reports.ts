/** What an agent says of itself, unasked (checklist C7, C16, C18, C20). Times are ms since the epoch. */
export type AgentReport = HealthReport | MetricsReport | ConfigUpdate | FlowSignal | LogReport;

/** Numbers as on every wire, from 1. */
export const HEALTH_STATES = ['healthy', 'degraded', 'draining', 'unhealthy'] as const;
export type AgentHealth = (typeof HEALTH_STATES)[number];

export interface LoadFigures {
  readonly inFlight: number;
  readonly queueDepth: number;
  readonly avgLatencyMs: number;
  readonly p50LatencyMs: number;
  readonly p95LatencyMs: number;
  readonly p99LatencyMs: number;
  readonly requestsProcessed: number;
  readonly requestsRejected: number;
  readonly requestsTimedOut: number;
}

export interface ResourceFigures {
  readonly cpuPercent?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly memoryLimit?: number | undefined;
  readonly activeThreads?: number | undefined;
  readonly openFds?: number | undefined;
  readonly fdLimit?: number | undefined;
  readonly connections?: number | undefined;
}

export interface HealthReport {
  readonly kind: 'health';
  readonly agentId: string;
  readonly state: AgentHealth;
  readonly message?: string | undefined;
  readonly load?: LoadFigures | undefined;
  readonly resources?: ResourceFigures | undefined;
  readonly validUntilMs?: number | undefined;
  readonly timestampMs: number;
  readonly disabledFeatures: readonly string[];
  /** deadlines are to be longer by it; 0 on the wire: 1 */
  readonly timeoutMultiplier: number;
  readonly drainEtaMs?: number | undefined;
  readonly unhealthyReason?: string | undefined;
  readonly recoverable: boolean;
}

interface Metric {
  readonly name: string;
  readonly help?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

export interface HistogramMetric extends Metric {
  readonly sum: number;
  readonly count: number;
  /** counts up to and with the bound `le`, rising */
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
}

export interface MetricsReport {
  readonly kind: 'metrics';
  readonly agentId: string;
  readonly timestampMs: number;
  readonly intervalMs: number;
  readonly counters: readonly (Metric & { readonly value: number })[];
  readonly gauges: readonly (Metric & { readonly value: number })[];
  readonly histograms: readonly HistogramMetric[];
}

export interface RuleDefinition {
  readonly id: string;
  readonly priority: number;
  /** JSON text */
  readonly definitionJson: string;
  readonly enabled: boolean;
  readonly description?: string | undefined;
  readonly tags: readonly string[];
}

export type ConfigChange =
  | { readonly kind: 'reload' }
  | {
      readonly kind: 'rules';
      readonly ruleSet: string;
      readonly rules: readonly RuleDefinition[];
      readonly removeRules: readonly string[];
    }
  | {
      readonly kind: 'list';
      readonly listId: string;
      readonly add: readonly string[];
      readonly remove: readonly string[];
    }
  | { readonly kind: 'restart'; readonly reason: string; readonly gracePeriodMs: number }
  | { readonly kind: 'error'; readonly error: string; readonly field?: string | undefined };

/** An agent wants something of the gateway's configuration; each is answered (checklist C18). */
export interface ConfigUpdate {
  readonly kind: 'configUpdate';
  readonly requestId: string;
  readonly timestampMs: number;
  readonly change: ConfigChange;
}

export interface ConfigUpdateReply {
  readonly kind: 'configUpdateReply';
  readonly requestId: string;
  readonly accepted: boolean;
  readonly error?: string | undefined;
  readonly timestampMs: number;
}

/** Numbers as on every wire, from 1. */
export const FLOW_ACTIONS = ['pause', 'resume', 'updateCapacity'] as const;

export interface FlowSignal {
  readonly kind: 'flow';
  /** of one exchange; undefined: of the connection */
  readonly correlationId?: string | undefined;
  readonly action: (typeof FLOW_ACTIONS)[number];
  readonly bufferAvailable?: number | undefined;
  readonly timestampMs: number;
}

/** Numbers as on every wire, from 1. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export interface LogReport {
  readonly kind: 'log';
  readonly level: (typeof LOG_LEVELS)[number];
  readonly message: string;
  readonly correlationId?: string | undefined;
  readonly fields: Readonly<Record<string, string>>;
  readonly timestampMs: number;
}
