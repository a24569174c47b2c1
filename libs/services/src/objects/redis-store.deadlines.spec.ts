import { createClient } from '@redis/client';
import { describeWithRedis, eventually, RedisServer } from '@berth/testing';
import { codeOf, later } from '../../testing/bus/lab.js';
import { keyOf, remember } from '../../testing/store/samples.js';
import { Wire } from '../../testing/store/wire.js';
import { RedisStore, type RedisStoreOptions } from './redis-store.js';
import { steadyNow } from '../runtime/clock.js';

const KEY = keyOf('one');
const soon = (): number => Date.now() + 150;
const inAWhile = (): number => Date.now() + 25_000;

describeWithRedis('RedisStore and the deadlines of calls', () => {
  let server: RedisServer;
  let store: RedisStore;

  const open = async (options: Partial<RedisStoreOptions>): Promise<void> => {
    store = await RedisStore.open({ url: server.url, ...options });
    // Also where a busy machine takes longer than a test's operationTimeoutMs.
    await store.save(KEY, 0, '1', undefined, inAWhile());
  };

  beforeEach(async () => {
    server = await RedisServer.start();
  });

  afterEach(async () => {
    await store.close();
    await server.close();
  });

  it('a server that is away for longer than operationTimeoutMs is waited for until the deadline', async () => {
    await open({ operationTimeoutMs: 100 });
    await server.kill();
    await eventually(() => store.health().state === 'down');
    const deadline = inAWhile();
    const remembered = later(store.rememberReply('scope', remember('k'), deadline));
    const loaded = later(store.load(KEY, undefined, undefined, deadline));
    const saved = later(store.save(KEY, 1, '2', undefined, deadline));
    const deleted = later(store.delete(keyOf('none'), deadline));
    const recalled = later(store.recallReply('scope', 'none', deadline));
    // What has no deadline is over by now: so are the 100 ms of all others.
    expect(await codeOf(store.load(KEY))).toBe('BERTH_SERVICE_STORE_UNAVAILABLE');
    await server.start();
    expect((await loaded).version).toBeGreaterThan(0);
    expect(await saved).toBe(2);
    expect(await deleted).toBe(false);
    expect(await recalled).toBeUndefined();
    await remembered;
    expect((await store.recallReply('scope', 'k', deadline))?.invocationId).toBe('k');
  }, 30_000);

  it('a server that stays away is TIMEOUT at the deadline, and nothing is saved', async () => {
    await open({ operationTimeoutMs: 60_000 });
    await server.kill();
    await eventually(() => store.health().state === 'down');
    const attempts = [
      store.load(KEY, undefined, undefined, soon()),
      store.save(KEY, 1, '2', undefined, soon()),
      store.delete(KEY, soon()),
      store.recallReply('scope', 'k', soon()),
      store.rememberReply('scope', remember('k'), soon()),
    ].map((attempt) => later<unknown>(attempt));
    for (const attempt of attempts)
      await expect(attempt).rejects.toMatchObject({
        code: 'BERTH_SERVICE_TIMEOUT',
        message: expect.stringMatching(/^the deadline passed: the store of objects .*; .*ECONNREFUSED/),
      });
    await server.start();
    await eventually(() => store.health().state === 'up');
    expect(await store.load(KEY)).toMatchObject({ version: 1, state: '1' });
  }, 30_000);

  it('a server that does not answer: reading is TIMEOUT, writing OUTCOME_UNKNOWN, and the connection stays', async () => {
    await open({ operationTimeoutMs: 60_000 });
    await store.save(keyOf('other'), 0, '1');
    await server.pause();
    const deadline = soon();
    const reading: Promise<unknown>[] = [
      ...[store.load(KEY, 1, undefined, deadline), store.recallReply('scope', 'k', deadline)],
      // Whether it is there has to be asked first.
      store.delete(keyOf('none'), deadline),
    ];
    const writing = [
      store.save(KEY, 1, '2', undefined, deadline),
      store.rememberReply('scope', remember('k'), deadline),
      store.delete(keyOf('other'), deadline),
    ];
    const codes = await Promise.all([...reading, ...writing].map((attempt) => codeOf(later<unknown>(attempt))));
    expect(codes).toEqual([
      ...reading.map(() => 'BERTH_SERVICE_TIMEOUT'),
      ...writing.map(() => 'BERTH_SERVICE_OUTCOME_UNKNOWN'),
    ]);
    expect(store.health().state).toBe('up');
    server.resume();
    await eventually(async () => (await store.load(KEY)).version === 2);
    expect((await store.recallReply('scope', 'k'))?.invocationId).toBe('k');
  });

  it('what is asked after its deadline is not sent', async () => {
    await open({});
    const past = steadyNow() - 1;
    expect(await codeOf(store.load(KEY, 1, undefined, past))).toBe('BERTH_SERVICE_TIMEOUT');
    expect(await codeOf(store.save(KEY, 1, '2', undefined, past))).toBe('BERTH_SERVICE_TIMEOUT');
    expect(await store.load(KEY)).toMatchObject({ version: 1, state: '1' });
  });

  it('a server that is frozen for longer than operationTimeoutMs does what it was asked, once', async () => {
    await open({ operationTimeoutMs: 100 });
    await server.pause();
    const saved = later(store.save(KEY, 1, '2', undefined, inAWhile()));
    const loaded = later(store.load(KEY, undefined, undefined, inAWhile()));
    await eventually(() => store.health().state === 'down');
    server.resume();
    expect(await saved).toBe(2);
    expect((await loaded).version).toBeGreaterThan(0);
    expect(await store.load(KEY)).toMatchObject({ version: 2, state: '2' });
  }, 30_000);

  it('a connection that leads nowhere is given up after operationTimeoutMs, and what waits comes over a new one', async () => {
    const wire = await Wire.to(server.port);
    try {
      await open({ url: wire.url, operationTimeoutMs: 150 });
      wire.muteAll();
      const loaded = later(store.load(KEY, undefined, undefined, inAWhile()));
      const saved = later(store.save(KEY, 1, '2', undefined, inAWhile()));
      expect((await loaded).version).toBeGreaterThan(0);
      expect(await saved).toBe(2);
    } finally {
      await store.close();
      await wire.close();
    }
  }, 30_000);

  it('a connection that is taken, and never greeted, is given up too', async () => {
    const wire = await Wire.to(server.port);
    try {
      await open({ url: wire.url, operationTimeoutMs: 150, connectTimeoutMs: 1_000 });
      wire.deaf = true;
      wire.breakAll();
      const saved = later(store.save(KEY, 1, '2', undefined, inAWhile()));
      await eventually(() => wire.swallowed > 0);
      wire.deaf = false;
      expect(await saved).toBe(2);
    } finally {
      await store.close();
      await wire.close();
    }
  }, 30_000);

  it('a connection on which nothing is asked is kept from being silent', async () => {
    await open({ operationTimeoutMs: 100, connectTimeoutMs: 1_000 });
    const client = createClient({ url: server.url });
    await client.connect();
    try {
      await client.configResetStat();
      await eventually(async () => (await client.info('commandstats')).includes('cmdstat_ping'));
    } finally {
      client.destroy();
    }
  });
});
