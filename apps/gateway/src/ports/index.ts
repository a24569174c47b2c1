export { AgentBerths, type BerthOptions, type OpenPort } from './agent-berths.js';
export { agentPortsConfig, AgentPortsSettings } from './agent-ports.settings.js';
export { AllocatorOptions } from './allocator-options.js';
export { portRangeConfig, AgentPortRangeSettings } from './port-range.settings.js';
export { DEFAULT_PORT_KIND, PortKinds, type PortOrder, type PortServer, type PortServerBuilder } from './port-kinds.js';
export { PortsModule } from './ports.module.js';
