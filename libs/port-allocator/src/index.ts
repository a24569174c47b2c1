export {
  type Lease,
  PortAllocatorService,
  type PortAllocatorOptions,
  type PortFigures,
  type PortRange,
} from './port-allocator.service.js';
