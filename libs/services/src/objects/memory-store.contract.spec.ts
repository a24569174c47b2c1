import { objectStoreContract } from '../../testing/store-contract.js';
import { MemoryStore } from './memory-store.js';

describe('the contract of a store: MemoryStore', () => {
  objectStoreContract((bounds) => Promise.resolve(new MemoryStore(bounds)));
});
