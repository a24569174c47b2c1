import { describeWithRedis, RedisServer } from '@berth/testing';
import { invocationBusContract } from '../../../testing/bus-contract.js';
import { RedisBus } from './redis-bus.js';

describeWithRedis('the contract of a bus: RedisBus', () => {
  let server: RedisServer;
  let labs = 0;

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.close());

  invocationBusContract((bounds) => {
    labs += 1;
    const keyPrefix = `lab-${labs}:`;
    const buses: RedisBus[] = [];
    return Promise.resolve({
      connect: async () => {
        const bus = await RedisBus.connect({ url: server.url, keyPrefix, ...bounds });
        buses.push(bus);
        return bus;
      },
      close: async () => {
        await Promise.all(buses.map((bus) => bus.close()));
      },
    });
  });
});
