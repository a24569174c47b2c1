export { isFit, ownerOf, replicaFor } from './affinity/affinity.js';
export type { AgentConnection, ConnectionOrigin, DrainReason } from './agent-connection.js';
export {
  type AgentConfig,
  type AgentConfigAck,
  type AgentHistogram,
  type AgentMetrics,
  type ConnectionListener,
  NO_LISTENER,
} from './connection-listener.js';
export { AgentPool } from './agent-pool.js';
export { AgentPushes, type PushOptions, type Settled } from './config-push/agent-pushes.js';
export {
  CONFIG_PUSH,
  ConfigPush,
  type Delivery,
  PUSH_STATES,
  type PushCarrier,
  type PushState,
  type PushTarget,
} from './config-push/config-push.js';
export { ConfigPushes, type ConfigPushesOptions } from './config-push/config-pushes.js';
export type { Obstacle } from './candidates.js';
export { HEALTH_DEFAULTS, type HealthChange, type HealthOptions } from './health/connection-health.js';
export type { HealthState, ReportedHealth } from './health/connection-health.js';
export { countsAgainst } from './health/fault.js';
export { OUTLIER_DEFAULTS, OutlierDetector, type OutlierOptions } from './health/outliers.js';
export type { Member } from './member.js';
export { MemberSignals } from './member-signals.js';
export { Recent } from './recent.js';
export type { Replica } from './replica.js';
export { poolDispatch } from './pool-dispatch.js';
export type { PoolConnection } from './pool-connection.js';
export type { PoolOptions } from './pool-options.js';
export { type StrategyName, STRATEGIES } from './strategies/index.js';
export { Admission, ADMISSION_DEFAULTS, type AdmissionOptions, type Entrant } from './flow/admission.js';
export type { FlowMode, Waiting } from './flow/admission.js';
export { RetryBudget, type RetryBudgetOptions } from './retry-budget.js';
export {
  type AgentFigures,
  type ConnectionFigures,
  errorRate,
  type Figures,
  figuresOf,
  type GroupFigures,
} from './statistics.js';
export { type DialledConnection, Dialler, DIALLER_DEFAULTS, type DiallerOptions } from './dialling/dialler.js';
export { type Endpoint, endpointOf } from './dialling/endpoint.js';
