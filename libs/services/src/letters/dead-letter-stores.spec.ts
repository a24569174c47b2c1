import { describeWithNats, describeWithRedis, disposable, NatsServer, owning, RedisServer } from '@berth/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { createClient } from '@redis/client';
import { codeOf, later } from '../../testing/bus/lab.js';
import { sampleLetter } from '../../testing/sample-letter.js';
import { keyOf } from '../../testing/store/samples.js';
import { NatsStore } from '../objects/nats-store.js';
import { RedisStore } from '../objects/redis-store.js';
import { steadyNow } from '../runtime/clock.js';
import { type DeadLetter, type DeadLetterBounds, deadLetterLimits, type DeadLetterStore } from './dead-letter.js';
import { MemoryDeadLetters } from './memory-letters.js';

type Made = AsyncDisposable & { readonly letters: DeadLetterStore };

const KIB = 1024;
/** What every store of dead letters must do. */
function contract(make: (bounds?: DeadLetterBounds) => Promise<Made>): void {
  const idsOf = async (letters: DeadLetterStore, service = 'shop.Counter', partition = 0): Promise<string[]> =>
    (await letters.list(service, partition, Infinity)).map(({ id }) => id);

  it('gives back what it was given, whatever is in it', async () => {
    await using made = await make();
    const whole = sampleLetter({
      ...{
        id: 'é \n"> *.🚢'.repeat(50),
        objectId: 'größe/1',
        payload: Buffer.from([0, 10, 255]),
        options: { a: 'b\n' },
      },
      ...{ idempotencyKey: 'k', deadline: 1_800_000_000_000, chain: 'a/0/b' },
    });
    const bare = sampleLetter({}, { message: undefined, delivery: 'at-most-once', reason: 'worker-lost', attempts: 5 });
    for (const one of [whole, bare]) await made.letters.add(one);
    const plain = (one: DeadLetter | undefined): unknown =>
      JSON.parse(
        JSON.stringify({ ...one, invocation: { ...one?.invocation, payload: [...(one?.invocation.payload ?? [])] } }),
      );
    expect((await made.letters.list('shop.Counter', 0, Infinity)).map(plain)).toEqual([whole, bare].map(plain));
    expect(plain(await made.letters.get('shop.Counter', 0, whole.id))).toEqual(plain(whole));
    (await made.letters.get('shop.Counter', 0, whole.id))?.invocation.payload.fill(7);
    expect(plain(await made.letters.get('shop.Counter', 0, whole.id))).toEqual(plain(whole));
  });

  it('lists those of a service and partition, oldest first; another one with an id takes its place', async () => {
    await using made = await make();
    const { letters } = made;
    const [a, b, c] = [sampleLetter(), sampleLetter(), sampleLetter()] as const;
    const [partition, service] = [sampleLetter({ partition: 1 }), sampleLetter({ service: 'shop.Counter.More' })];
    for (const one of [a, partition, b, service, c, { ...a, message: 'newer' }]) await letters.add(one);
    expect(await idsOf(letters)).toEqual([b.id, c.id, a.id]);
    expect((await letters.get('shop.Counter', 0, a.id))?.message).toBe('newer');
    expect((await letters.list('shop.Counter', 0, 2)).map(({ id }) => id)).toEqual([b.id, c.id]);
    expect(await idsOf(letters, 'shop.Counter', 1)).toEqual([partition.id]);
    expect(await idsOf(letters, 'shop.Counter.More')).toEqual([service.id]);
    expect(await idsOf(letters, 'shop.Nothing')).toEqual([]);
    expect(await letters.get('shop.Counter', 1, a.id)).toBeUndefined();
  });

  it('removes one, and says whether it was there', async () => {
    await using made = await make();
    const { letters } = made;
    const [a, b] = [sampleLetter(), sampleLetter()];
    for (const one of [a, b]) await letters.add(one);
    expect(await letters.remove('shop.Counter', 1, a.id)).toBe(false);
    expect(await letters.remove('shop.Counter', 0, a.id)).toBe(true);
    expect(await letters.remove('shop.Counter', 0, a.id)).toBe(false);
    expect(await letters.get('shop.Counter', 0, a.id)).toBeUndefined();
    expect(await idsOf(letters)).toEqual([b.id]);
  });

  it('keeps so many of a service, and so many in all: the oldest go', async () => {
    await using made = await make({ deadLetterLimit: 3, deadLetterTotal: 5 });
    const { letters } = made;
    const own = Array.from({ length: 5 }, () => sampleLetter());
    const others = [1, 2, 3].map((partition) => sampleLetter({ partition }));
    for (const one of own) await letters.add(one);
    expect(await idsOf(letters)).toEqual(own.slice(2).map(({ id }) => id));
    for (const one of others) await letters.add(one);
    expect(await idsOf(letters)).toEqual(own.slice(3).map(({ id }) => id));
    for (const { id, invocation: call } of others)
      expect(await idsOf(letters, call.service, call.partition)).toEqual([id]);
    // Room that was made is used.
    await letters.remove('shop.Counter', 1, others[0]?.id ?? '');
    const last = sampleLetter();
    await letters.add(last);
    expect(await idsOf(letters)).toEqual([...own.slice(3), last].map(({ id }) => id));
  });

  it('keeps so many bytes in all', async () => {
    await using made = await make({ deadLetterTotalBytes: 35 * KIB });
    const { letters } = made;
    const large = Array.from({ length: 9 }, (_, i) =>
      sampleLetter({ partition: i % 3, payload: Buffer.alloc(10 * KIB) }),
    );
    for (const one of large) await letters.add(one);
    const kept = await Promise.all([0, 1, 2].map((partition) => idsOf(letters, 'shop.Counter', partition)));
    expect(kept.flat()).toEqual(large.slice(6).map(({ id }) => id));
    for (let i = 0; i < 20; i += 1) await letters.add({ ...(large[8] as DeadLetter), message: `${i}` });
    expect(await idsOf(letters, 'shop.Counter', 0)).toEqual([large[6]?.id]);
  });

  it('counts what a letter has beside its payload', async () => {
    await using made = await make({ deadLetterTotalBytes: 35 * KIB });
    const large = Array.from({ length: 9 }, () => sampleLetter({ options: { long: 'x'.repeat(10 * KIB) } }));
    for (const one of large) await made.letters.add(one);
    expect(await idsOf(made.letters)).toEqual(large.slice(6).map(({ id }) => id));
  });

  it('refuses bounds that are none', async () => {
    for (const bounds of [{ deadLetterLimit: 0 }, { deadLetterTotalBytes: 1.5 }])
      await expect(make(bounds)).rejects.toMatchObject({ code: 'BERTH_SERVICE_INVALID' });
  });
}

/** Those that bound the bytes of each service by themselves. */
function bytesOfEach(make: (bounds?: DeadLetterBounds) => Promise<Made>): void {
  it('keeps so many bytes of a service; the newest stays, however large', async () => {
    await using made = await make({ deadLetterBytes: 35 * KIB, deadLetterTotalBytes: 100 * KIB });
    const sizes = async (): Promise<number[]> =>
      (await made.letters.list('shop.Counter', 0, Infinity)).map(({ invocation: { payload } }) => payload.length / KIB);
    const add = (kib: number, partition = 0): Promise<void> =>
      made.letters.add(sampleLetter({ partition, payload: Buffer.alloc(kib * KIB) }));
    await add(30, 1);
    for (const kib of [10, 11, 12, 13]) await add(kib);
    expect(await sizes()).toEqual([12, 13]);
    await add(50);
    expect(await sizes()).toEqual([50]);
    expect(await made.letters.list('shop.Counter', 1, 1)).toHaveLength(1);
  });
}

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
