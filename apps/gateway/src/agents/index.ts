export { type AbsentAgent, whyAbsent } from './absent-agent.js';
export { AbsentAgents } from './absent-agents.js';
export { Agent, wallTime } from './agent.js';
export { LocalService, serviceKey, type ServiceOffer } from './local-service.js';
export type { ServiceOutcome } from './service-ports.js';
export { AgentRegistry } from './agent-registry.js';
export type { Registration, RegistryOptions } from './registry-options.js';
export { agentsConfig, AgentsSettings } from './agents.settings.js';
export { AgentsModule } from './agents.module.js';
