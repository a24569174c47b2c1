export { AgentIngress } from './agent-ingress.js';
export { IngressBerthBuilder } from './berth-builder.js';
export { type ConnectionLimits, MAX_REFUSED } from './client-limits.js';
export { Deadlines } from './deadlines.js';
export type { ForwardedPolicy } from './forwarded.js';
export type { IngressContext, IngressOptions } from './ingress-context.js';
export {
  type IngressAnswer,
  type IngressInterceptor,
  type IngressRequest,
  type IngressResponse,
  UseAtIngress,
} from './interceptor.js';
export { IngressSettings } from './ingress.settings.js';
