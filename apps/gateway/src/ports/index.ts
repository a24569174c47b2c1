export { AgentBerths, type BerthBuilder, type BerthOptions } from './agent-berths.js';
export { AgentPortsSettings } from './agent-ports.settings.js';
