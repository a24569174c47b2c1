import { describeWithNats, describeWithRedis, NatsServer, RedisServer } from '@berth/testing';
import { codeOf, later } from '../../testing/bus/lab.js';
import { sampleLetter } from '../../testing/sample-letter.js';
import { keyOf } from '../../testing/store/samples.js';
import { NatsStore } from '../objects/nats-store.js';
import type { ObjectStore } from '../objects/object-store.js';
import { RedisStore } from '../objects/redis-store.js';
import { steadyNow } from '../runtime/clock.js';
import type { DeadLetterStore } from './dead-letter.js';

interface Made {
  readonly server: NatsServer | RedisServer;
  readonly store: ObjectStore & { close(): Promise<void> };
  readonly letters: DeadLetterStore;
}

/** Two operations at once are all that the store takes. */
function contract(make: () => Promise<Made>): void {
  it('letters that wait for a server that does not answer take no place of objects', async () => {
    const { server, store, letters } = await make();
    await using _closed = server;
    await server.pause();
    const added = [sampleLetter(), sampleLetter()].map((one) => later(letters.add(one, steadyNow() + 20_000)));
    await expect(letters.add(sampleLetter())).rejects.toThrow(
      /^the store of dead letters.* cannot be used: 2 operations wait for it, which is maxPendingOperations$/,
    );
    expect(await codeOf(store.load(keyOf('a'), undefined, undefined, steadyNow() + 200))).toBe('BERTH_SERVICE_TIMEOUT');
    server.resume();
    await Promise.all(added);
    expect(await letters.list('shop.Counter', 0, 9)).toHaveLength(2);
    await store.close();
  }, 40_000);

  it('errors say of which store they are', async () => {
    const { server, store, letters } = await make();
    await using _closed = server;
    await server.kill();
    await expect(letters.add(sampleLetter(), steadyNow() + 100)).rejects.toThrow(
      /^the deadline passed: .* dead letters /,
    );
    await expect(store.load(keyOf('a'), undefined, undefined, steadyNow() + 100)).rejects.toThrow('store of objects');
    await store.close();
    await expect(letters.get('shop.Counter', 0, 'a')).rejects.toThrow(
      /^the store of dead letters.* cannot be used: it is closed$/,
    );
  }, 20_000);
}

describeWithNats('dead letters beside objects in NATS', () => {
  contract(async () => {
    const server = await NatsServer.start();
    const store = await NatsStore.open({ servers: server.url, maxPendingOperations: 2 });
    return { server, store, letters: await store.deadLetters() };
  });
});

describeWithRedis('dead letters beside objects in Redis', () => {
  contract(async () => {
    const server = await RedisServer.start();
    const store = await RedisStore.open({ url: server.url, maxPendingOperations: 2 });
    return { server, store, letters: store.deadLetters() };
  });
});
