export { AgentBerths, BerthBuilder, type BerthOptions } from './agent-berths.js';
export { agentPortsConfig, AgentPortsSettings } from './agent-ports.settings.js';
export { AllocatorOptions } from './allocator-options.js';
export { portRangeConfig, AgentPortRangeSettings } from './port-range.settings.js';
export { PortsModule } from './ports.module.js';
