import { describeWithNats, describeWithRedis, disposable, NatsServer, owning, RedisServer } from '@berth/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { createClient } from '@redis/client';
import { codeOf, later } from '../../testing/bus/lab.js';
import { bytesOfEach, contract, KIB, type Made } from '../../testing/letters-contract.js';
import { sampleLetter } from '../../testing/sample-letter.js';
import { keyOf } from '../../testing/store/samples.js';
import { NatsStore } from '../objects/nats-store.js';
import { RedisStore } from '../objects/redis-store.js';
import { steadyNow } from '../runtime/clock.js';
import { type DeadLetterBounds, deadLetterLimits } from './dead-letter.js';
import { MemoryDeadLetters } from './memory-letters.js';

const inMemory = async (bounds?: DeadLetterBounds): Promise<Made> =>
  disposable({ letters: await Promise.resolve(new MemoryDeadLetters(deadLetterLimits(bounds))) }, () => undefined);

describe('dead letters in memory', () => {
  contract(inMemory);
  bytesOfEach(inMemory);
});

describeWithNats('dead letters in NATS', () => {
  let server: NatsServer;
  let stores = 0;
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server.close());

  const make = async (bounds?: DeadLetterBounds, servers = server.url): Promise<Made> => {
    stores += 1;
    await using stack = new AsyncDisposableStack();
    const store = await NatsStore.open({ servers, bucket: `b-${stores}` });
    stack.defer(() => store.close());
    return owning({ letters: await store.deadLetters(bounds) }, stack);
  };
  contract(make);

  it('outlive a process and a restart of the server, with new bounds for those that open them again', async () => {
    await using own = await NatsServer.start();
    const open = async () => disposable(await NatsStore.open({ servers: own.url }), (store) => store.close());
    const kept = [sampleLetter(), sampleLetter(), sampleLetter()];
    {
      await using store = await open();
      const letters = await store.deadLetters();
      for (const one of kept) await letters.add(one);
    }
    await own.kill();
    await own.start();
    await using store = await open();
    const letters = await store.deadLetters({ deadLetterTotal: 2 });
    expect((await letters.list('shop.Counter', 0, 9)).map(({ id }) => id)).toEqual(kept.slice(1).map(({ id }) => id));
  });

  it('a server that is away is waited for until the deadline; one that comes back empty has a new stream', async () => {
    await using own = await NatsServer.start();
    await using made = await make(undefined, own.url);
    const one = sampleLetter();
    await own.stop();
    expect(await codeOf(made.letters.add(one, steadyNow() + 200))).toBe('BERTH_SERVICE_TIMEOUT');
    const added = later(made.letters.add(one, steadyNow() + 20_000));
    await own.forget();
    await own.start();
    await added;
    expect(await made.letters.get('shop.Counter', 0, one.id)).toMatchObject({ id: one.id });
  }, 40_000);

  it('a stream that somebody has deleted is made again', async () => {
    await using own = await NatsServer.start();
    await using made = await make(undefined, own.url);
    await made.letters.add(sampleLetter());
    await using connection = disposable(await connect({ servers: own.url }), (it) => it.close());
    const { streams } = await jetstreamManager(connection);
    await streams.delete(`b-${stores}-letters`);
    const one = sampleLetter();
    await made.letters.add(one, steadyNow() + 5_000);
    await streams.delete(`b-${stores}-letters`);
    expect(await made.letters.list('shop.Counter', 0, 9)).toEqual([]);
    await streams.delete(`b-${stores}-letters`);
    expect(await made.letters.get('shop.Counter', 0, one.id)).toBeUndefined();
  });

  it('a server without room says so, at once and by its name', async () => {
    await using small = await NatsServer.start({ maxFileStore: 1024 * KIB });
    const refused = make(undefined, small.url);
    await expect(refused).rejects.toMatchObject({ code: 'BERTH_SERVICE_STORE_UNAVAILABLE' });
    await expect(refused).rejects.toThrow(
      /of dead letters 'b-\d+-letters' cannot be used: .*insufficient storage.*\(10047\)/,
    );
    await using made = await make({ deadLetterTotalBytes: 512 * KIB }, small.url);
    await made.letters.add(sampleLetter());
    const store = disposable(await NatsStore.open({ servers: small.url, bucket: 'large' }), (it) => it.close());
    await using objects = store;
    const state = JSON.stringify('x'.repeat(200 * KIB));
    const fill = async (): Promise<void> => {
      for (let i = 0; ; i += 1) await objects.save(keyOf(`${i}`), 0, state);
    };
    await expect(fill()).rejects.toMatchObject({ code: 'BERTH_SERVICE_STORE_UNAVAILABLE' });
    const full = later(made.letters.add(sampleLetter()));
    await expect(full).rejects.toMatchObject({ code: 'BERTH_SERVICE_STORE_UNAVAILABLE' });
    await expect(full).rejects.toThrow(/refused by NATS: .*resource.* \(10023\)$/);
    // Room can be made all the same.
    const [first] = await made.letters.list('shop.Counter', 0, 1);
    expect(await made.letters.remove('shop.Counter', 0, first?.id ?? '')).toBe(true);
  });

  it('a letter that the server does not take says which of its bounds to raise', async () => {
    await using own = await NatsServer.start({ maxPayload: 64 * KIB });
    await using made = await make(undefined, own.url);
    const added = later(made.letters.add(sampleLetter({ payload: Buffer.alloc(64 * KIB) })));
    await expect(added).rejects.toMatchObject({ code: 'BERTH_SERVICE_PAYLOAD_TOO_LARGE' });
    await expect(added).rejects.toThrow('max_payload');
  });
});

describeWithRedis('dead letters in Redis', () => {
  let server: RedisServer;
  let stores = 0;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.close());

  const make = async (bounds?: DeadLetterBounds, url = server.url): Promise<Made> => {
    stores += 1;
    await using stack = new AsyncDisposableStack();
    const store = await RedisStore.open({ url, keyPrefix: `${stores}:` });
    stack.defer(() => store.close());
    return owning({ letters: store.deadLetters(bounds) }, stack);
  };
  contract(make);
  bytesOfEach(make);

  it('leave nothing behind when all are removed', async () => {
    await using own = await RedisServer.start();
    await using made = await make({ deadLetterLimit: 2 }, own.url);
    const all = [1, 1, 1, 2].map((partition) => sampleLetter({ partition }));
    for (const one of all) await made.letters.add(one);
    for (const { id, invocation: call } of all) await made.letters.remove(call.service, call.partition, id);
    const client = createClient({ url: own.url });
    await client.connect();
    expect(await client.keys('*')).toEqual([]);
    client.destroy();
  });

  it('keys that somebody has deleted stop neither the server nor those that come after', async () => {
    await using own = await RedisServer.start();
    const client = createClient({ url: own.url });
    await client.connect();
    for (const key of ['letters', 'letters:bytes', 'letters:order', 'letters:order:shop.Counter/0']) {
      await using made = await make({ deadLetterLimit: 2 }, own.url);
      for (const one of [sampleLetter(), sampleLetter()]) await made.letters.add(one);
      await client.del(`${stores}:${key}`);
      const last = sampleLetter();
      await made.letters.add(last);
      const ids = (await made.letters.list('shop.Counter', 0, Infinity)).map(({ id }) => id);
      expect(ids.at(-1)).toBe(last.id);
    }
    client.destroy();
  });

  it('of letters that somebody has deleted nothing counts any more, once there is but one', async () => {
    await using own = await RedisServer.start();
    await using made = await make({ deadLetterBytes: 20 * KIB, deadLetterTotalBytes: 40 * KIB }, own.url);
    const add = async (): Promise<void> => {
      for (let i = 0; i < 5; i += 1) await made.letters.add(sampleLetter({ payload: Buffer.alloc(6 * KIB) }));
    };
    const client = createClient({ url: own.url });
    await client.connect();
    await add();
    await client.del(`${stores}:letters`);
    await add();
    await add();
    expect(await made.letters.list('shop.Counter', 0, Infinity)).toHaveLength(3);
    client.destroy();
  });

  it('a server without memory says so, at once; letters can be removed all the same', async () => {
    await using own = await RedisServer.start({ flags: ['--maxmemory', '4mb', '--maxmemory-policy', 'noeviction'] });
    await using made = await make(undefined, own.url);
    const fill = async (): Promise<void> => {
      for (;;) await made.letters.add(sampleLetter({ payload: Buffer.alloc(200 * KIB) }));
    };
    const full = later(fill());
    await expect(full).rejects.toMatchObject({ code: 'BERTH_SERVICE_STORE_UNAVAILABLE' });
    await expect(full).rejects.toThrow(/OOM command not allowed/);
    const letters = await made.letters.list('shop.Counter', 0, Infinity);
    expect(letters.length).toBeGreaterThan(2);
    for (const { id } of letters) expect(await made.letters.remove('shop.Counter', 0, id)).toBe(true);
    await made.letters.add(sampleLetter());
  });
});
