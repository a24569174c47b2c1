export type { ForeignPort, PortRange } from './free-ports.js';
export { PortAllocatorModule } from './port-allocator.module.js';
export {
  type Lease,
  PortAllocatorService,
  type PortAllocatorOptions,
  type PortFigures,
} from './port-allocator.service.js';
