import { createClient } from '@redis/client';
import { describeWithRedis, eventually, RedisServer } from '@berth/testing';
import { codeOf, later } from '../../testing/bus/lab.js';
import { Wire } from '../../testing/store/wire.js';
import { InvocationStatus } from '../invocation/invocation.js';
import { RedisStore, type RedisStoreOptions } from './redis-store.js';
import { KEPT_TOKENS, SAVE, TOKEN_LENGTH } from './redis/scripts.js';

const KEY = { service: 'shop.Cart', partition: 0, objectId: 'one' };

describeWithRedis('RedisStore', () => {
  let server: RedisServer;
  let wire: Wire;
  const open: RedisStore[] = [];

  const make = async (options: Partial<RedisStoreOptions> = {}): Promise<RedisStore> => {
    const store = await RedisStore.open({ url: wire.url, ...options });
    open.push(store);
    // The server knows the scripts from now on: what is lost below is the answer to a change.
    const other = { ...KEY, objectId: 'warm' };
    await store.load(other);
    await store.save(other, -1, '1');
    await store.delete(other);
    return store;
  };

  beforeEach(async () => {
    server = await RedisServer.start();
    wire = await Wire.to(server.port);
  });

  afterEach(async () => {
    for (const store of open.splice(0)) await store.close();
    await wire.close();
    await server.close();
  });

  it('a save whose answer is lost with its connection is done once, and says its version', async () => {
    const store = await make();
    await store.save(KEY, 0, '1');
    wire.lostAnswers = 1;
    expect(await store.save(KEY, 1, '2')).toBe(2);
    expect(wire.lostAnswers).toBe(0);
    expect(await store.load(KEY)).toMatchObject({ version: 2, state: '2' });
    wire.lostAnswers = 3;
    expect(await store.save(KEY, 2, '3')).toBe(3);
    expect(await store.load(KEY)).toMatchObject({ version: 3, state: '3' });
  });

  it('a save is recognised even if others have saved on top of it meanwhile', async () => {
    const store = await make();
    const other = await make({ url: server.url });
    await store.save(KEY, 0, '1');
    wire.onLost = async () => {
      for (let i = 1; i < KEPT_TOKENS; i += 1) expect(await other.save(KEY, i + 1, 'null')).toBe(i + 2);
    };
    wire.lostAnswers = 1;
    expect(await store.save(KEY, 1, '2')).toBe(2);
    expect((await store.load(KEY)).version).toBe(KEPT_TOKENS + 1);
  });

  it('a save that others have buried is OUTCOME_UNKNOWN, never a conflict to try again', async () => {
    const store = await make();
    const other = await make({ url: server.url });
    await store.save(KEY, 0, '1');
    wire.onLost = async () => {
      for (let i = 1; i <= KEPT_TOKENS; i += 1) await other.save(KEY, i + 1, 'null');
    };
    wire.lostAnswers = 1;
    expect(await codeOf(store.save(KEY, 1, '2'))).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
  });

  it('a save that lost the race and its answer is a conflict', async () => {
    const store = await make();
    const other = await make({ url: server.url });
    await other.save(KEY, 0, '"other"');
    wire.lostAnswers = 1;
    expect(await store.save(KEY, 0, '"mine"')).toBeUndefined();
    expect(await store.load(KEY)).toMatchObject({ version: 1, state: '"other"' });
  });

  it('a token that comes again is no repetition: the change is made', async () => {
    const store = await make();
    const object = `berth:object:{shop.Cart/0/one}`;
    const client = createClient({ url: server.url });
    await client.connect();
    const token = 't'.repeat(TOKEN_LENGTH);
    const save = (expected: number, state: string): Promise<unknown> =>
      client.eval(SAVE.text, { keys: [object], arguments: ['0', token, String(expected), '1', state] });
    expect(await save(0, '1')).toBe(1);
    expect(await save(1, '2')).toBe(2);
    expect(await store.load(KEY)).toMatchObject({ version: 2, state: '2' });
    expect(await store.save(KEY, 2, '3')).toBe(3);
    expect(await save(3, '4')).toBe(4);
    expect(await save(3, '4')).toBe(4);
    expect(await save(2, 'lost the race')).toBe(4);
    expect(await store.load(KEY)).toMatchObject({ version: 4, state: '4' });
    client.destroy();
  });

  it('tokens do not come round: a delete is taken for no earlier change, after as many as there may be', async () => {
    const store = await make();
    const counted = store as unknown as { changes: number };
    expect(await store.save(KEY, 0, '1')).toBe(1);
    counted.changes += 36 ** 4 - 1;
    expect(await store.delete(KEY)).toBe(true);
    expect(await store.load(KEY)).toMatchObject({ version: 0 });
  });

  it('a first save is recognised after the object was deleted and made again', async () => {
    const store = await make();
    const other = await make({ url: server.url });
    wire.onLost = async () => {
      expect(await other.delete(KEY)).toBe(true);
      expect(await other.save(KEY, 0, '"again"')).toBe(3);
    };
    wire.lostAnswers = 1;
    expect(await store.save(KEY, 0, '"first"')).toBe(1);
    expect(await store.load(KEY)).toMatchObject({ version: 3, state: '"again"' });
  });

  it('a delete whose answer is lost deletes once, and says what it did', async () => {
    const store = await make();
    const other = await make({ url: server.url });
    await store.save(KEY, 0, '1');
    wire.onLost = async () => {
      await other.save(KEY, 0, '"again"');
    };
    wire.lostAnswers = 1;
    expect(await store.delete(KEY)).toBe(true);
    expect((await store.load(KEY)).state).toBe('"again"');
    const never = { ...KEY, objectId: 'never' };
    wire.onLost = async () => {
      await other.save(never, 0, '"made"');
    };
    wire.lostAnswers = 1;
    expect(await store.delete(never)).toBe(false);
    expect((await store.load(never)).state).toBe('"made"');
  });

  it('increments by three writers whose connections break all the time: none lost, none doubled', async () => {
    const stores = [await make(), await make(), await make()];
    let done = 0;
    let unknown = 0;
    const breaking = setInterval(() => {
      wire.lostAnswers += 1;
    }, 7);
    const work = stores.map(async (store) => {
      for (let i = 0; i < 60; i += 1) {
        for (;;) {
          const { version, state } = await store.load(KEY);
          try {
            if ((await store.save(KEY, version, String(Number(state ?? '0') + 1))) === undefined) continue;
            done += 1;
          } catch (thrown) {
            expect(thrown).toMatchObject({ code: 'BERTH_SERVICE_OUTCOME_UNKNOWN' });
            unknown += 1;
          }
          break;
        }
      }
    });
    await Promise.all(work).finally(() => {
      clearInterval(breaking);
    });
    wire.lostAnswers = 0;
    expect(done + unknown).toBe(180);
    // Others may bury a save while its writer reconnects; most times they do not.
    expect(unknown).toBeLessThan(30);
    const { version, state } = (await stores[0]?.load(KEY)) ?? {};
    expect(state).toBe(String(version));
    expect(version).toBeGreaterThanOrEqual(done);
    expect(version).toBeLessThanOrEqual(done + unknown);
  }, 30_000);

  it('waits for a server that is started again, with what it was asked meanwhile', async () => {
    const store = await make();
    await store.save(KEY, 0, '1');
    await server.kill();
    await eventually(() => store.health().state === 'down');
    expect(store.health().reason).toBeDefined();
    const saved = later(store.save(KEY, 1, '2'));
    const loaded = later(store.load(KEY));
    await server.start();
    expect(await saved).toBe(2);
    expect((await loaded).version).toBeGreaterThan(0);
    expect(store.health()).toEqual({ state: 'up', reason: undefined });
  });

  it('a server that stays away is STORE_UNAVAILABLE after operationTimeoutMs, also when it comes back', async () => {
    const store = await make({ operationTimeoutMs: 200 });
    await store.save(KEY, 0, '1');
    await server.stop();
    await eventually(() => store.health().state === 'down');
    const started = Date.now();
    const attempts: Promise<unknown>[] = [
      store.load(KEY),
      store.save(KEY, 1, '2'),
      store.delete(KEY),
      store.recallReply('s', 'k'),
    ];
    for (const attempt of attempts.map(later)) expect(await codeOf(attempt)).toBe('BERTH_SERVICE_STORE_UNAVAILABLE');
    expect(Date.now() - started).toBeGreaterThanOrEqual(199);
    expect(Date.now() - started).toBeLessThan(3_000);
    await server.start();
    await eventually(() => store.health().state === 'up');
    expect(await store.load(KEY)).toMatchObject({ version: 1, state: '1' });
  });

  it('a server that does not answer: reading is STORE_UNAVAILABLE, writing OUTCOME_UNKNOWN', async () => {
    const store = await make({ operationTimeoutMs: 200, url: server.url });
    await store.save(KEY, 0, '1');
    process.kill(server.pid ?? 0, 'SIGSTOP');
    const [load, save] = [later(store.load(KEY)), later(store.save(KEY, 1, '2'))];
    expect(await codeOf(load)).toBe('BERTH_SERVICE_STORE_UNAVAILABLE');
    expect(await codeOf(save)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    process.kill(server.pid ?? 0, 'SIGCONT');
    await eventually(async () => (await store.load(KEY)).version === 2);
  });

  it('a connection that leads nowhere is given up for a new one', async () => {
    const store = await make({ operationTimeoutMs: 200 });
    await store.save(KEY, 0, '1');
    wire.muteAll();
    const [load, save] = [later(store.load(KEY)), later(store.save(KEY, 1, '2'))];
    expect(await codeOf(load)).toBe('BERTH_SERVICE_STORE_UNAVAILABLE');
    expect(await codeOf(save)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    expect(await store.load(KEY)).toMatchObject({ version: 1, state: '1' });
    expect(await store.save(KEY, 1, '2')).toBe(2);
  });

  it('no more operations wait than maxPendingOperations', async () => {
    const store = await make({ operationTimeoutMs: 300, maxPendingOperations: 2 });
    wire.cut = true;
    wire.breakAll();
    await eventually(() => store.health().state === 'down');
    const waiting = [later(store.load(KEY)), later(store.load(KEY))];
    await expect(store.load(KEY)).rejects.toThrow('maxPendingOperations');
    wire.cut = false;
    expect((await Promise.all(waiting)).map(({ version }) => version)).toEqual([0, 0]);
  });

  it('scripts that the server forgot are sent again', async () => {
    const store = await make();
    await store.save(KEY, 0, '1');
    const client = createClient({ url: server.url });
    await client.connect();
    await client.scriptFlush();
    expect(await store.save(KEY, 1, '2')).toBe(2);
    await client.scriptFlush();
    expect((await store.load(KEY)).state).toBe('2');
    client.destroy();
  });

  it("uses another's client, and leaves it open", async () => {
    const client = createClient({ url: server.url });
    client.on('error', () => undefined);
    await client.connect();
    const listeners = client.listenerCount('error');
    const store = await make({ client, url: undefined });
    expect(await store.save(KEY, 0, '"ö"')).toBe(1);
    expect((await store.load(KEY)).state).toBe('"ö"');
    await store.close();
    expect(client.isReady).toBe(true);
    expect(client.listenerCount('error')).toBe(listeners);
    client.destroy();
  });

  it('keys: those of one object share a hash tag, replies and deleted objects expire', async () => {
    const store = await make({ keyPrefix: 'p:', deletionKnownMs: 60_000 });
    const reply = { status: InvocationStatus.OKAY, headers: {}, invocationId: 'x' };
    const remember = { idempotencyKey: 'k', reply, ttlMs: 30_000 };
    await store.save({ ...KEY, objectId: 'a}:{b' }, 0, '1', remember);
    await store.rememberReply('oprc/a.B/0/invokes/f', remember);
    const client = createClient({ url: server.url });
    await client.connect();
    expect((await client.keys('*')).filter((name) => !name.includes('/warm}')).sort()).toEqual([
      'p:object:{shop.Cart/0/a%7D%3A%7Bb}',
      'p:reply:oprc/a.B/0/invokes/f:k',
      'p:reply:{shop.Cart/0/a%7D%3A%7Bb}:k',
    ]);
    for (const name of await client.keys('p:reply:*')) expect(await client.pTTL(name)).toBeGreaterThan(20_000);
    expect(await client.pTTL('p:object:{shop.Cart/0/a%7D%3A%7Bb}')).toBe(-1);
    await store.delete({ ...KEY, objectId: 'a}:{b' });
    expect(await client.pTTL('p:object:{shop.Cart/0/a%7D%3A%7Bb}')).toBeGreaterThan(50_000);
    await store.save({ ...KEY, objectId: 'a}:{b' }, 0, '1');
    expect(await client.pTTL('p:object:{shop.Cart/0/a%7D%3A%7Bb}')).toBe(-1);
    client.destroy();
  });

  it('a broker that is down at the start is STORE_UNAVAILABLE after connectTimeoutMs', async () => {
    await server.stop();
    await expect(make({ connectTimeoutMs: 200, url: server.url })).rejects.toMatchObject({
      code: 'BERTH_SERVICE_STORE_UNAVAILABLE',
      message: expect.stringMatching(/connectTimeoutMs \(200\).*ECONNREFUSED/),
    });
  });

  it('no password is in an error', async () => {
    await server.close();
    server = await RedisServer.start({ password: 'right' });
    const errors: unknown[] = [];
    for (const url of [
      `redis://user:s3cret@127.0.0.1:${server.port}`,
      'redis://user:s3cret@127.0.0.1:port',
      'nonsense s3cret',
      'http://user:s3cret@host',
    ])
      await RedisStore.open({ url, connectTimeoutMs: 200 }).catch((thrown: unknown) => errors.push(thrown));
    expect(errors).toHaveLength(4);
    for (const thrown of errors) {
      const { message, stack, cause } = thrown as Error;
      expect(JSON.stringify([message, stack, cause, thrown])).not.toContain('s3cret');
    }
    expect(errors[0]).toMatchObject({ code: 'BERTH_SERVICE_STORE_UNAVAILABLE' });
    expect(errors[1]).toMatchObject({ code: 'BERTH_SERVICE_INVALID' });
    expect((await make({ url: server.url })).health().state).toBe('up');
  });
});
