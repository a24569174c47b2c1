export type {
  Lease,
  NamedPoolFigures,
  PoolFigures,
  PortAllocatorOptions,
  PortFigures,
  PortGroup,
  PortRequest,
} from './allocator-options.js';
export type { LeaseRecord, LeaseSource } from './claims.js';
export type { ForeignPort } from './foreign-ports.js';
export { PortAllocatorModule } from './port-allocator.module.js';
export { PortAllocatorService } from './port-allocator.service.js';
export { overlap, type PortRange } from './port-set.js';
export { DEFAULT_SERVICE } from './service-name.js';
