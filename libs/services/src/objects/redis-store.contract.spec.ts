import { describeWithRedis, RedisServer } from '@berth/testing';
import { objectStoreContract } from '../../testing/store-contract.js';
import { RedisStore } from './redis-store.js';

describeWithRedis('the contract of a store: RedisStore', () => {
  let server: RedisServer;
  let stores = 0;

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.close());

  objectStoreContract((bounds) => {
    stores += 1;
    return RedisStore.open({ url: server.url, keyPrefix: `store ${stores}:`, ...bounds });
  });
});
