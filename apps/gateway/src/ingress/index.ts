export { AgentIngress } from './http/agent-ingress.js';
export { type ConnectionLimits } from './client-limits.js';
export { Deadlines } from './deadlines.js';
export type { ForwardedPolicy } from './http/forwarded.js';
export type { IngressContext, IngressOptions } from './ingress-context.js';
export {
  type IngressAnswer,
  type IngressInterceptor,
  type IngressRequest,
  type IngressResponse,
  UseAtIngress,
} from './interceptor.js';
export { IngressModule } from './ingress.module.js';
export { ingressConfig, IngressSettings } from './ingress.settings.js';
export { type AgentPortMiddleware, UseOnAgentPorts } from './http/port-middleware.js';
export { ServerOptions } from './http/server-options.js';
