export { AgentBerths, type BerthOptions, type OpenPort } from './agent-berths.js';
export { agentPortsConfig, AgentPortsSettings } from './agent-ports.settings.js';
export { checkPorts } from './check-ports.js';
export { LeaseRecords } from './lease-records.js';
export { LeasesModule } from './leases.module.js';
export { type PinnedPort, PortPins } from './port-pins.js';
export { AllocatorOptions } from './allocator-options.js';
export { portRangeConfig, AgentPortRangeSettings } from './port-range.settings.js';
export {
  DEFAULT_PORT_KIND,
  hostFor,
  PortKinds,
  type PortOrder,
  type PortServer,
  type PortServerBuilder,
} from './port-kinds.js';
export { type CareOptions, ServerCare } from './server-care.js';
export { PortsModule } from './ports.module.js';
