export { addressGroup } from './address-group.js';
export { bundledFile } from './bundled-file.js';
export { removeDeadSocket } from './dead-socket.js';
export {
  connectionCapacity,
  type DescriptorEvents,
  descriptorLimit,
  isDescriptorError,
  watchDescriptors,
} from './descriptors.js';
export { isLoopback, isWildcard } from './loopback.js';
export { droppedLines, Output, standardOutput } from './output.js';
export { type PemFiles, type PemNames, readPemFiles } from './pem-files.js';
export { prepareProcess } from './prepare-process.js';
export { protoFile } from './proto-file.js';
export { nodeFault, requireNode } from './require-node.js';
export { endOnSignals } from './signals.js';
export { COLLECTOR_FLAG, heapFlags, useSmallYoungHeap } from './young-heap.js';
