import { describeWithRedis, type RedisServer } from '@berth/testing';
import { codeOf } from '../../testing/bus/lab.js';
import { keyOf } from '../../testing/store/samples.js';
import { StoreLab } from '../../testing/store/store-lab.js';
import type { Wire } from '../../testing/store/wire.js';
import type { RedisStore, RedisStoreOptions } from './redis-store.js';
import { KEPT_TOKENS } from './entry.js';

const KEY = keyOf('one');

describeWithRedis('RedisStore', () => {
  let lab: StoreLab;
  let server: RedisServer;
  let wire: Wire;
  const make = (options?: Partial<RedisStoreOptions>): Promise<RedisStore> => lab.make(options);

  beforeEach(async () => {
    lab = await StoreLab.start();
    ({ server, wire } = lab);
  });
  afterEach(() => lab.close());

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
    expect(await store.load(KEY)).toMatchObject({ version: 0 });
    await other.save(KEY, 0, '"other"');
    wire.lostAnswers = 1;
    expect(await store.save(KEY, 0, '"mine"')).toBeUndefined();
    expect(await store.load(KEY)).toMatchObject({ version: 1, state: '"other"' });
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
    expect(await store.load(KEY)).toMatchObject({ version: 0 });
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
  });

  it('a delete that has only asked when its answer is lost deletes what there is then', async () => {
    const store = await make();
    const other = await make({ url: server.url });
    const never = { ...KEY, objectId: 'never' };
    wire.onLost = async () => {
      await other.save(never, 0, '"made"');
    };
    wire.lostAnswers = 1;
    expect(await store.delete(never)).toBe(true);
    expect(await store.load(never)).toMatchObject({ version: 0 });
    expect(await store.delete(never)).toBe(false);
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
});
