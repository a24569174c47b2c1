export type { AgentSelector, StartAgentOptions } from './agents/agent-manager.js';
export type { AgentInfo, AgentState } from './agents/object-agent.js';
export type * from './bus/invocation-bus.js';
export { NatsBus, type NatsBusOptions } from './bus/nats/nats-bus.js';
export { MemoryBus } from './bus/memory-bus.js';
export type { BusOptions as MemoryBusOptions } from './bus/bus-options.js';
export { client, type ClientOptions, type ServiceClient } from './client/client.js';
export type { GrpcTransportOptions } from './client/grpc-transport-options.js';
export type { CallOptions, Remote, RemoteField, RemoteMethod } from './client/remote.js';
export * from './definition/method-decorators.js';
export { Service, type ServiceOptions } from './definition/service-decorator.js';
export {
  definitionOf,
  type MemberDefinition,
  requireDefinition,
  type ServiceClass,
  type ServiceDefinition,
} from './definition/service-definition.js';
export { AgentError, AppError, InvocationError, ServerError, ServicesError } from './errors.js';
export type { CallContext } from './invocation/call-context.js';
export {
  type Delivery,
  type Invocation,
  invocationKey,
  type InvocationReply,
  InvocationStatus,
} from './invocation/invocation.js';
export type { DeadLetter, DeadLetterBounds, DeadLetterStore } from './letters/dead-letter.js';
export { MemoryStore, type MemoryStoreOptions } from './objects/memory-store.js';
export { Nats, type NatsOptions } from './nats/nats.js';
export { NatsStore } from './objects/nats-store.js';
export type { NatsStoreOptions } from './objects/nats/options.js';
export type { ObjectKey, ObjectStore, RememberedReply, StoredObject } from './objects/object-store.js';
export { RedisStore, type RedisStoreOptions } from './objects/redis-store.js';
export {
  closeServices,
  configureServices,
  defaultServices,
  getServerInfo,
  isServerRunning,
  listAgents,
  restartServer,
  startAgent,
  startServer,
  stopAgent,
  stopAllAgents,
  stopServer,
} from './runtime/default-services.js';
export { type HealthReport, type ServiceHealth, WARN_ERROR_RATE } from './runtime/health-report.js';
export { steadyNow } from './runtime/clock.js';
export { ServiceObject } from './runtime/service-object.js';
export type { InstanceFactory, InstanceUse } from './runtime/service-registry.js';
export { registerServicesMetrics } from './runtime/services-metrics.js';
export { Services, type ServicesServerInfo } from './runtime/services.js';
export type { ServicesOptions } from './runtime/services-options.js';
export type { ServerInfo, StartServerOptions, StopServerOptions } from './server/function-server.js';
export type { FunctionServerOptions } from './server/server-options.js';
