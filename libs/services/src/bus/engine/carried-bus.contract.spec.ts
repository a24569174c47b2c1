import { MemoryCarriers } from '../../../testing/bus/memory-carrier.js';
import { invocationBusContract } from '../../../testing/bus-contract.js';
import { deadLetterLimits } from '../../letters/dead-letter.js';
import { MemoryDeadLetters } from '../../letters/memory-letters.js';
import { CarriedBus } from './carried-bus.js';

describe('the contract of a bus: over a carrier within this process', () => {
  invocationBusContract((bounds) => {
    const carriers = new MemoryCarriers();
    const deadLetters = new MemoryDeadLetters(deadLetterLimits(bounds));
    const buses: CarriedBus[] = [];
    return Promise.resolve({
      connect: async () => {
        const bus = new CarriedBus(carriers.make(), { workerTimeoutMs: 5_000, deadLetters, ...bounds });
        buses.push(bus);
        await bus.open();
        return bus;
      },
      close: async () => {
        await Promise.all(buses.map((bus) => bus.close()));
      },
    });
  });
});
