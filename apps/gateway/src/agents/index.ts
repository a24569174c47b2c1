export { Agent, wallTime } from './agent.js';
export { AgentRegistry, type Registration, type RegistryOptions } from './agent-registry.js';
export { agentsConfig, AgentsSettings } from './agents.settings.js';
export { AgentsModule } from './agents.module.js';
