import { createClient } from '@redis/client';
import { describeWithRedis, eventually, RedisServer } from '@berth/testing';
import { codeOf, later } from '../../testing/bus/lab.js';
import { keyOf, remember, replyOf } from '../../testing/store/samples.js';
import { StoreLab } from '../../testing/store/store-lab.js';
import type { Wire } from '../../testing/store/wire.js';
import { steadyNow } from '../runtime/clock.js';
import { RedisStore, type RedisStoreOptions } from './redis-store.js';

const KEY = keyOf('one');
// Also where a busy machine takes longer than a test's operationTimeoutMs.
const inAWhile = (): number => steadyNow() + 25_000;

describeWithRedis('RedisStore', () => {
  it('refuses a server of a cluster when it is opened', async () => {
    await using cluster = await RedisServer.start({ flags: ['--cluster-enabled', 'yes'] });
    const opened = RedisStore.open({ url: cluster.url });
    await expect(opened).rejects.toMatchObject({ code: 'BERTH_SERVICE_INVALID' });
    await expect(opened).rejects.toThrow('this Redis is a server of a cluster');
  });

  let lab: StoreLab;
  let server: RedisServer;
  let wire: Wire;
  const make = (options?: Partial<RedisStoreOptions>): Promise<RedisStore> => lab.make(options);

  beforeEach(async () => {
    lab = await StoreLab.start();
    ({ server, wire } = lab);
  });
  afterEach(() => lab.close());

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
    await store.save(KEY, 0, '1', undefined, inAWhile());
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
    await store.save(KEY, 0, '1', undefined, inAWhile());
    await server.pause();
    const [load, save] = [later(store.load(KEY)), later(store.save(KEY, 1, '2'))];
    expect(await codeOf(load)).toBe('BERTH_SERVICE_STORE_UNAVAILABLE');
    expect(await codeOf(save)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    server.resume();
    await eventually(async () => (await store.load(KEY, undefined, undefined, inAWhile())).version === 2);
  });

  it('a connection that leads nowhere is given up for a new one', async () => {
    const store = await make({ operationTimeoutMs: 200 });
    await store.save(KEY, 0, '1', undefined, inAWhile());
    wire.muteAll();
    const [load, save] = [later(store.load(KEY)), later(store.save(KEY, 1, '2'))];
    expect(await codeOf(load)).toBe('BERTH_SERVICE_STORE_UNAVAILABLE');
    expect(await codeOf(save)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    expect(await store.load(KEY, undefined, undefined, inAWhile())).toMatchObject({ version: 1, state: '1' });
    expect(await store.save(KEY, 1, '2', undefined, inAWhile())).toBe(2);
  });

  it('who knows the newest version is believed while the server is there, also that nobody has replied', async () => {
    const store = await make({});
    const other = await make({ url: server.url });
    await store.save(KEY, 0, '1', remember('mine'));
    const trusting = (key?: string) => store.load(KEY, 1, key, Date.now() + 100, true);
    expect(await trusting()).toEqual({ version: 1, unasked: true });
    expect((await trusting('mine')).reply?.invocationId).toBe('mine');
    // If somebody has, the save finds out, and the first reply counts.
    await other.save(KEY, 1, undefined, remember('k', 60_000, replyOf('first')));
    expect(await trusting('k')).toEqual({ version: 1, unasked: true });
    for (const state of [undefined, '2']) expect(await store.save(KEY, 1, state, remember('k'))).toBeUndefined();
    expect(await store.load(KEY, 1, 'k')).toMatchObject({ version: 1, reply: { invocationId: 'first' } });
    expect(await other.save(KEY, 1, '2')).toBe(2);
    expect(await store.load(KEY, 1)).toMatchObject({ version: 2, state: '2' });
    wire.cut = true;
    wire.breakAll();
    await eventually(() => store.health().state === 'down');
    expect(await codeOf(later(trusting()))).toBe('BERTH_SERVICE_TIMEOUT');
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

  it('keys: one for each object, with its replies; it expires where these or a deletion are all that it tells', async () => {
    const store = await make({ keyPrefix: 'p:', deletionKnownMs: 60_000 });
    const [key, name] = [keyOf('a}:{b'), 'p:object:{shop.Cart/0/a%7D%3A%7Bb}'];
    const [replied, repliedName] = [keyOf('r'), 'p:object:{shop.Cart/0/r}'];
    await store.save(key, 0, '1', remember('k'));
    await store.save(replied, 0, undefined, remember('k', 30_000));
    await store.rememberReply('oprc/a.B/0/invokes/f', remember('k', 30_000));
    const client = createClient({ url: server.url });
    await client.connect();
    const others = (await client.keys('*')).filter((found) => !found.includes('/warm}'));
    expect(others.sort()).toEqual([name, repliedName, 'p:reply:oprc/a.B/0/invokes/f:k']);
    for (const ending of ['p:reply:oprc/a.B/0/invokes/f:k', repliedName]) {
      expect(await client.pTTL(ending)).toBeGreaterThan(20_000);
      expect(await client.pTTL(ending)).toBeLessThanOrEqual(30_000);
    }
    expect(await client.pTTL(name)).toBe(-1);
    await store.delete(key);
    expect(await client.pTTL(name)).toBeGreaterThan(50_000);
    await store.save(key, 0, '1');
    expect(await client.pTTL(name)).toBe(-1);
    client.destroy();
  });

  it('an object that was never saved, and whose replies have expired, is no other one: nothing is run again', async () => {
    const store = await make();
    const client = createClient({ url: server.url });
    await client.connect();
    await store.save(KEY, 0, undefined, remember('k', 50));
    await eventually(async () => (await client.exists('berth:object:{shop.Cart/0/one}')) === 0);
    expect(await store.load(KEY, 0, 'k2', undefined, true)).toEqual({ version: 0, unasked: true });
    expect(await store.save(KEY, 0, undefined, remember('k2'))).toBe(0);
    client.destroy();
  });

  it('a full server says so, and lets objects be deleted', async () => {
    const store = await make();
    const client = createClient({ url: server.url });
    await client.connect();
    await store.save(KEY, 0, JSON.stringify('x'.repeat(1_000)), remember('k'));
    await store.save(keyOf('small'), 0, '1');
    await client.configSet('maxmemory', '1');
    const full = { code: 'BERTH_SERVICE_STORE_UNAVAILABLE', message: expect.stringContaining('maxmemory') };
    await expect(store.save(KEY, 1, '2')).rejects.toMatchObject(full);
    await expect(store.save(keyOf('two'), 0, '1')).rejects.toMatchObject(full);
    await expect(store.save(keyOf('two'), 0, undefined, remember('k'))).rejects.toMatchObject(full);
    for (const key of [KEY, keyOf('small')]) expect(await store.delete(key)).toBe(true);
    expect(await store.load(KEY, undefined, 'k')).toEqual({ version: 0, state: undefined, reply: undefined });
    await client.configSet('maxmemory', '0');
    expect(await store.save(KEY, 0, '1')).toBe(3);
    client.destroy();
  });

  it('what it did not write itself is refused, by its key, and left as it is', async () => {
    const store = await make({ operationTimeoutMs: 60_000 });
    const client = createClient({ url: server.url });
    await client.connect();
    // As earlier versions kept objects and replies.
    await client.hSet('berth:object:{shop.Cart/0/one}', { v: '1', s: '1', p: '' });
    await client.set('berth:reply:scope:k', Buffer.from([10, 1, 65]));
    const refused = (named: string) => ({
      ...{ code: 'BERTH_SERVICE_STORE_UNAVAILABLE', message: expect.stringContaining(named) },
    });
    for (const attempt of [store.load(KEY), store.save(KEY, 0, '2'), store.delete(KEY)])
      await expect(attempt).rejects.toMatchObject(refused("'berth:object:{shop.Cart/0/one}'"));
    await expect(store.recallReply('scope', 'k')).rejects.toMatchObject(refused("'berth:reply:scope:k'"));
    expect(await client.hGet('berth:object:{shop.Cart/0/one}', 's')).toBe('1');
    // It can be read, and nobody would ever be the first to write after it.
    await client.set('berth:object:{shop.Cart/0/two}', '{ "t":"a","v":1,"l":1,"r":[]}\n');
    await expect(store.delete(keyOf('two'))).rejects.toMatchObject(refused("'berth:object:{shop.Cart/0/two}'"));
    client.destroy();
  });

  it('a broker that is down at the start is STORE_UNAVAILABLE after connectTimeoutMs', async () => {
    await server.stop();
    await expect(make({ connectTimeoutMs: 200, url: server.url })).rejects.toMatchObject({
      code: 'BERTH_SERVICE_STORE_UNAVAILABLE',
      message: expect.stringMatching(/connectTimeoutMs \(200\).*ECONNREFUSED/),
    });
  });

  it.each(['connectTimeoutMs', 'operationTimeoutMs'])('%s that no timer takes is refused', async (name) => {
    const options = { url: server.url, [name]: 2 ** 31 };
    await expect(RedisStore.open(options)).rejects.toMatchObject({ code: 'BERTH_SERVICE_INVALID' });
    await expect(RedisStore.open(options)).rejects.toThrow(`${name} is 2147483648`);
  });

  it('no password is in an error', async () => {
    await server.close();
    lab.server = await RedisServer.start({ password: 'right' });
    ({ server } = lab);
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
