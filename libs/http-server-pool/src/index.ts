export {
  AgentHttpServerFactory,
  type AgentServerOptions,
  type AgentTraffic,
  type PortMiddleware,
} from './agent-http-server.factory.js';
export { AgentHttpServerModule } from './agent-http-server.module.js';
export { type BindAddress, bindKey, parseBind, type SocketPath, type TcpAddress } from './bind-address.js';
export { HttpServerPool } from './http-server-pool.js';
export { HttpServerPoolModule, type HttpServerPoolOptions, PooledServers } from './http-server-pool.module.js';
export { isAddressFault, listenFault } from './listen.js';
export type { ServerField, ServerMatch } from './matching.js';
export { monitorName, reportOn, type ServerReport } from './monitor.js';
export { showPool } from './pool-metrics.js';
export { peerAddress } from './peer-address.js';
export { PooledHttpServer, type PooledServerOptions } from './pooled-http-server.js';
export { PooledServer, type ServerLifeOptions, type ServerState } from './pooled-server.js';
export { PooledTcpServer } from './pooled-tcp-server.js';
export { probeServer, type ProbeResult } from './probe.js';
export type { ProxyVersions } from './proxy-header.js';
export { endWithError, errorOfParser, newRequestId } from './raw-answers.js';
export { type ProxyHeaderOptions, receiveProxyHeader } from './receive-proxy-header.js';
export { reloadPool, type Reloaded } from './reload.js';
export type { RequestHandler } from './run-handler.js';
export { configOf, createPooledServer, type HttpServerConfig } from './server-config.js';
export { HttpServerConfigs } from './server-configs.js';
export { ServerPool, type VisitServer } from './server-pool.js';
export { type ServerFailure, ServerPoolError, type ServerPoolErrorCode } from './server-pool-error.js';
export { ServerWatch, type WatchEvent, type WatchOptions } from './server-watch.js';
export { TcpServerPool } from './tcp-server-pool.js';
export { TLS_FAILURES, type TlsFailure } from './tls-failure.js';
