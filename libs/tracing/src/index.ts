export { loadTracer, type TracerFacts } from './load-tracer.js';
export type { TraceContext, TracedSpan, Tracer, TracerFigures } from './tracer.js';
export { GatewayTracingSettings, TracingSettings } from './tracing.settings.js';
