export {
  connectionCapacity,
  type DescriptorEvents,
  descriptorLimit,
  isDescriptorError,
  watchDescriptors,
} from './descriptors.js';
export { protoFile } from './proto-file.js';
export { REQUIRED_NODE, requireNode } from './require-node.js';
export { useSmallYoungHeap } from './young-heap.js';
