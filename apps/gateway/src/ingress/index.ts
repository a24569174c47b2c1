export { ClientTotal, type ConnectionLimits } from './client-limits.js';
export { errorText } from './error-text.js';
export { DEFAULT_RULE_ORDER, type ExchangeRule, HANDLER_ORDER, UseOnExchanges } from './exchange-handlers.js';
export type { ExchangeAnsweredEvent, ExchangeEndedEvent, ExchangeOpenedEvent } from './handlers/events.js';
export { type AgentPortMiddleware, UseOnAgentPorts } from './http/port-middleware.js';
export { ServerOptions } from './http/server-options.js';
export { IngressModule } from './ingress.module.js';
export { ingressConfig, IngressSettings } from './ingress.settings.js';
export {
  type IngressAnswer,
  type IngressInterceptor,
  type IngressRequest,
  type IngressResponse,
  UseAtIngress,
} from './interceptor.js';
export type { ChosenAgent } from './marked-providers.js';
