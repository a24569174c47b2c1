export { openApiDocument, serveApiDocs } from './admin/index.js';
export * from './agents/index.js';
export { type ConfigPush, ConfigPushes, type Delivery, type PushState } from './config-push/index.js';
export * from './lifecycle/index.js';
export * from './ports/index.js';
export { STATE } from './state/index.js';
export type { GatewayOptions } from './gateway-config.module.js';
export { type AdminPlace, type GatewayExtras, GatewayModule } from './gateway.module.js';
export { defaultGatewaySettings, GATEWAY, type GatewaySettings, loadGatewaySettings } from './gateway-settings.js';
export { GATEWAY_LOG, GATEWAY_SETTINGS } from './gateway.tokens.js';
export {
  type AgentPortMiddleware,
  type ChosenAgent,
  type ExchangeAnsweredEvent,
  type ExchangeEndedEvent,
  type ExchangeOpenedEvent,
  type ExchangeRule,
  type IngressAnswer,
  type IngressInterceptor,
  type IngressRequest,
  type IngressResponse,
  UseAtIngress,
  UseOnAgentPorts,
  UseOnExchanges,
} from './ingress/index.js';
export { type RunningGateway, startGateway } from './start-gateway.js';
export { TunnelGrpcServer } from './tunnel/index.js';
export {
  type Dispatch,
  type DispatchSink,
  ExchangeDecorator,
  type ExchangeHandler,
  ExchangeKind,
  type ExchangeRequest,
  type OpenedExchange,
  ResetCode,
  SinkDecorator,
  type Waiting,
} from '@berth/exchange';
export { appendHeader, type FlatHeaders, headerValue, headerValues, removeHeader, setHeader } from '@berth/http-rules';
export { type ConfiguredAgent, POLICY_AGENT_SETTINGS, PolicyAgents } from './policy-agents/index.js';
export { type EffectivePolicy, type Policy, POLICY_RULES, type PolicyPart, PortPolicies } from './policy/index.js';
