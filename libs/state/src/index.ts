export { MemoryStore } from './memory-store.js';
export {
  type Json,
  type LogEntry,
  type RecordChange,
  type RecordStore,
  type StateRecord,
  type WriteCondition,
} from './record-store.js';
export { WriteBehind } from './write-behind.js';
export { openFileStore, type FileStoreOptions } from './sqlite/open-file-store.js';
