export { AGENT, type AgentSettings, defaultAgentSettings, loadAgentSettings } from './agent-settings.js';
export type { AgentAddress } from './session/agent-address.js';
export { AgentClient } from './session/agent-client.js';
export type { AgentEvents } from './session/agent-client-options.js';
export { type RunningAgent, launchAgent, type LaunchOptions } from './launch-agent.js';
export type { AgentRequest } from './session/watched-exchange.js';
