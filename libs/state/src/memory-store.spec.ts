import { everyStore } from '../testing/contract.js';
import { MemoryStore } from './memory-store.js';

everyStore('MemoryStore', () => Promise.resolve(new MemoryStore(() => 1000)));
