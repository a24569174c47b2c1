export { Agent, wallTime } from './agent.js';
export { AgentBerths, type BerthBuilder, type BerthOptions } from './agent-berths.js';
export { AgentRegistry, type RegistryOptions } from './agent-registry.js';
export {
  type HandshakeFailure,
  type LifecycleEventMap,
  type LifecycleEventName,
  LifecycleEvents,
} from './lifecycle-events.js';
export { type ConnectionOrigin, TunnelConnection } from './tunnel-connection.js';
export { AgentPortsSettings } from './agent-ports.settings.js';
