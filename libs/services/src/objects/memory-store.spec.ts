import { jest } from '@jest/globals';
import { codeOf } from '../../testing/bus/lab.js';
import { InvocationStatus } from '../invocation/invocation.js';
import { MemoryStore } from './memory-store.js';

const keyOf = (objectId: string) => ({ service: 'shop.Cart', partition: 0, objectId });

function remember(idempotencyKey: string, ttlMs = 60_000) {
  const reply = { status: InvocationStatus.OKAY, headers: {}, invocationId: idempotencyKey };
  return { idempotencyKey, reply, ttlMs };
}

describe('MemoryStore', () => {
  let store: MemoryStore;

  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
    store = new MemoryStore({ maxObjects: 3, maxRepliesPerObject: 2, maxStatelessReplies: 2 });
  });

  afterEach(async () => {
    await store.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  const remembered = async (id: string, keys: string[]) => {
    const loads = await Promise.all(keys.map((key) => store.load(keyOf(id), undefined, key)));
    return loads.flatMap(({ reply }) => (reply === undefined ? [] : [reply.invocationId]));
  };

  it('bounds the bytes of remembered replies: those that are due first go', async () => {
    // Each has 128 bytes beside its own.
    const small = new MemoryStore({ maxReplyBytes: 600 });
    const reply = (key: string, bytes: number, ttlMs: number) => {
      const { idempotencyKey, reply: empty } = remember(key);
      return { idempotencyKey, ttlMs, reply: { ...empty, payload: new Uint8Array(bytes) } };
    };
    await small.save(keyOf('a'), 0, undefined, reply('k1', 100, 2000));
    await small.rememberReply('scope', reply('k2', 100, 1000));
    await small.rememberReply('scope', reply('k3', 100, 3000));
    expect(await small.recallReply('scope', 'k2')).toBeUndefined();
    expect((await small.load(keyOf('a'), undefined, 'k1')).reply).toBeDefined();
    await small.rememberReply('scope', reply('k4', 240, 4000));
    expect((await small.load(keyOf('a'), undefined, 'k1')).reply).toBeUndefined();
    expect(await small.recallReply('scope', 'k3')).toBeUndefined();
    expect(await small.recallReply('scope', 'k4')).toBeDefined();
    jest.advanceTimersByTime(4001);
    await small.rememberReply('scope', reply('k5', 240, 1000));
    expect(await small.recallReply('scope', 'k5')).toBeDefined();
    await small.close();
  });

  it('bounds what many small replies take in memory, too', async () => {
    const small = new MemoryStore({ maxReplyBytes: 10_000 });
    for (let i = 0; i < 100; i += 1) await small.save(keyOf('a'), 0, undefined, remember(`k${i}`));
    const loads = Array.from({ length: 100 }, (_, i) => small.load(keyOf('a'), undefined, `k${i}`));
    const kept = (await Promise.all(loads)).map(({ reply }) => reply !== undefined);
    expect(kept.filter(Boolean).length).toBeLessThan(10_000 / 128);
    expect(kept.slice(50)).toEqual(new Array(50).fill(true));
    await small.close();
  });

  it('B15: one object more than maxObjects cannot be saved, and says which setting it is', async () => {
    for (const id of ['a', 'b', 'c']) await store.save(keyOf(id), 0, '1');
    await expect(store.save(keyOf('d'), 0, '1')).rejects.toMatchObject({
      code: 'BERTH_SERVICE_STORE_UNAVAILABLE',
      message: expect.stringContaining('maxObjects'),
      details: { setting: 'maxObjects', limit: 3 },
    });
    expect(await codeOf(store.save(keyOf('d'), 0, undefined, remember('k')))).toBe('BERTH_SERVICE_STORE_UNAVAILABLE');
    expect(await store.save(keyOf('a'), 1, '2')).toBe(2);
    await store.delete(keyOf('b'));
    expect(await store.save(keyOf('d'), 0, '1')).toBeGreaterThan(0);
  });

  it('the oldest replies of an object make room for new ones, those of others stay', async () => {
    await store.save(keyOf('b'), 0, '1', remember('k0'));
    for (const key of ['k1', 'k2', 'k3']) await store.save(keyOf('a'), 0, undefined, remember(key));
    expect(await remembered('a', ['k1', 'k2', 'k3'])).toEqual(['k2', 'k3']);
    expect(await remembered('b', ['k0'])).toEqual(['k0']);
    for (const key of ['k1', 'k2', 'k3']) await store.rememberReply('scope', remember(key));
    expect(await store.recallReply('scope', 'k1')).toBeUndefined();
    expect(await store.recallReply('scope', 'k2')).toBeDefined();
  });

  it('a reply remembered again lasts from then on', async () => {
    await store.rememberReply('scope', remember('k', 1_000));
    jest.advanceTimersByTime(900);
    await store.rememberReply('scope', remember('k', 1_000));
    jest.advanceTimersByTime(900);
    expect(await store.recallReply('scope', 'k')).toBeDefined();
    jest.advanceTimersByTime(100);
    expect(await store.recallReply('scope', 'k')).toBeUndefined();
  });

  it('one timer for all replies, and none once they are over', async () => {
    for (const [i, id] of ['a', 'b', 'c'].entries())
      await store.save(keyOf(id), 0, '1', remember('k', (i + 1) * 10_000));
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(20_000);
    expect(await remembered('b', ['k'])).toEqual([]);
    expect(await remembered('c', ['k'])).toEqual(['k']);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(10_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('an object that was there for its replies alone goes with the last of them', async () => {
    for (const id of ['a', 'b', 'c']) await store.save(keyOf(id), 0, undefined, remember('k', 1_000));
    expect(await codeOf(store.save(keyOf('d'), 0, '1'))).toBe('BERTH_SERVICE_STORE_UNAVAILABLE');
    await store.save(keyOf('a'), 0, '1');
    jest.advanceTimersByTime(1_000);
    expect(await store.save(keyOf('d'), 0, '1')).toBe(1);
    expect(await store.load(keyOf('a'))).toMatchObject({ version: 1, state: '1' });
  });

  it('replies of a deleted object do not end the one that is made in its place', async () => {
    await store.save(keyOf('a'), 0, undefined, remember('k', 1_000));
    await store.delete(keyOf('a'));
    expect(jest.getTimerCount()).toBe(1);
    await store.save(keyOf('a'), 0, '1', remember('k', 5_000));
    jest.advanceTimersByTime(1_000);
    expect(await store.load(keyOf('a'), undefined, 'k')).toMatchObject({ state: '1', reply: { invocationId: 'k' } });
  });

  it('refuses bounds that are none', () => {
    for (const setting of ['maxObjects', 'maxStateBytes', 'maxRepliesPerObject', 'maxStatelessReplies'])
      expect(() => new MemoryStore({ [setting]: 0 })).toThrow(`${setting} is 0`);
  });
});
