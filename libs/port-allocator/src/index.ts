export type { ForeignPort, PortRange } from './free-ports.js';
export {
  type Lease,
  PortAllocatorService,
  type PortAllocatorOptions,
  type PortFigures,
} from './port-allocator.service.js';
