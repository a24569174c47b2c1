import { describeWithNats, NatsServer } from '@berth/testing';
import { objectStoreContract } from '../../testing/store-contract.js';
import { NatsStore } from './nats-store.js';

describeWithNats('the contract of a store: NatsStore', () => {
  let server: NatsServer;
  let stores = 0;

  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server.close());

  objectStoreContract((bounds) => {
    stores += 1;
    return NatsStore.open({ servers: server.url, bucket: `store-${stores}`, ...bounds });
  });
});
