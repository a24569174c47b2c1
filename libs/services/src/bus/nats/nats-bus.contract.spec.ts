import { describeWithNats, NatsServer } from '@berth/testing';
import { invocationBusContract } from '../../../testing/bus-contract.js';
import { NatsStore } from '../../objects/nats-store.js';
import { NatsBus } from './nats-bus.js';

/** For a machine with other work: nobody dies here. */
const PATIENT = { workerTimeoutMs: 5_000 };

describeWithNats('the contract of a bus: NatsBus', () => {
  let server: NatsServer;
  let labs = 0;

  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server.close());

  invocationBusContract(async (bounds) => {
    labs += 1;
    const prefix = `lab-${labs}`;
    const buses: NatsBus[] = [];
    const store = await NatsStore.open({ servers: server.url, bucket: prefix });
    const deadLetters = await store.deadLetters(bounds);
    return {
      connect: async () => {
        const bus = await NatsBus.connect({ servers: server.url, prefix, ...PATIENT, deadLetters, ...bounds });
        buses.push(bus);
        return bus;
      },
      close: async () => {
        await Promise.all(buses.map((bus) => bus.close()));
        await store.close();
      },
    };
  });
});
