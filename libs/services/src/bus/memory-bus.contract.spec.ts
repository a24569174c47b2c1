import { invocationBusContract } from '../../testing/bus-contract.js';
import { MemoryBus } from './memory-bus.js';

describe('the contract of a bus: MemoryBus', () => {
  invocationBusContract((bounds) => {
    const bus = new MemoryBus(bounds);
    return Promise.resolve({ connect: () => Promise.resolve(bus), close: () => bus.close() });
  });
});
