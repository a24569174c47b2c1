export {
  AgentHttpServerFactory,
  type AgentServerOptions,
  type AgentTraffic,
  type PortMiddleware,
} from './agent-http-server.factory.js';
export { HttpServerPool } from './http-server-pool.js';
export { HttpServerPoolModule } from './http-server-pool.module.js';
export { type BindAddress, bindKey, PooledHttpServer } from './pooled-http-server.js';
export { endWithError, errorOfParser, newRequestId } from './raw-answers.js';
