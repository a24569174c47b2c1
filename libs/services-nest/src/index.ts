export { InjectService, serviceClientToken } from './inject-service.js';
export { type ServicesHealthOptions, ServicesHealthIndicator } from './services-health.indicator.js';
export type {
  AgentToStart,
  ServicesModuleAsyncOptions,
  ServicesModuleOptions,
  ServicesServerOptions,
  ServicesSettings,
} from './services-module-options.js';
export { ServicesMetrics } from './services-metrics.js';
export { ServicesModule } from './services.module.js';
