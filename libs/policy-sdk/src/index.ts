export type {
  AuditData,
  CancelReason,
  ConfigUpdateReply,
  GuardrailEvent,
  LoadFigures,
  RequestCompleteEvent,
  RequestMetadata,
  RuleDefinition,
} from '@berth/policy-agents';
export {
  allow,
  type Answer,
  block,
  challenge,
  type Changes,
  closeSocket,
  drop,
  type HeaderValues,
  needMore,
  redirect,
  replace,
} from './answer.js';
export type { PolicyExchange } from './exchange.js';
export type {
  ConfigureAbout,
  Handled,
  MetricInput,
  MetricsInput,
  PolicyAgentOptions,
  PolicyHandlers,
  PolicyTls,
} from './options.js';
export { plainPath, plainPaths } from '@berth/policy-agents';
export { type PolicyAgent, startPolicyAgent } from './policy-agent.js';
export type { Health } from './reports.js';
export type { BodyChunk, Frame, PolicyRequest, PolicyResponse } from './views.js';
