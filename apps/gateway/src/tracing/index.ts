export { GatewayTracing } from './gateway-tracing.js';
export { tracingConfig, TracingModule } from './tracing.module.js';
