export { checkPaths, REVERSE } from './agent-checks.js';
export { type AgentPart, type AgentSettings, expectedIds, HIDDEN, POLICY_AGENT_SETTINGS } from './agent-schema.js';
export type { ShownDecision } from './agent-stats.js';
export type { ShownUpdate } from './config-updates.js';
export type { ConfiguredAgent } from './configured-agent.js';
export { inspection } from './exchange/index.js';
export { Filter } from './filters.js';
export { inspectAgents } from './inspect-agents.js';
export { listenerFaults } from './listener-rules.js';
export { PolicyAgents } from './policy-agents.js';
export { PolicyAgentsModule } from './policy-agents.module.js';
export {
  inspectionConfig,
  InspectionSettings,
  policyAgentsConfig,
  PolicyAgentsByName,
  type PolicyAgentsSettings,
  policyListenerConfig,
  PolicyListenerSettings,
} from './policy-agents.settings.js';
export { PolicyDoor } from './policy-door.js';
