import { describeWithNats, NatsServer } from '@berth/testing';
import { invocationBusContract } from '../../../testing/bus-contract.js';
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

  invocationBusContract((bounds) => {
    labs += 1;
    const prefix = `lab-${labs}`;
    const buses: NatsBus[] = [];
    return Promise.resolve({
      connect: async () => {
        const bus = await NatsBus.connect({ servers: server.url, prefix, ...PATIENT, ...bounds });
        buses.push(bus);
        return bus;
      },
      close: async () => {
        await Promise.all(buses.map((bus) => bus.close()));
      },
    });
  });
});
