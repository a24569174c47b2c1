import fc from 'fast-check';
import { type FakeConnection, fakeReplica } from '../../testing/fake-connection.js';
import { AgentPool, OutlierDetector } from '../index.js';

let now = 0;
beforeEach(() => (now = 0));

function make(count: number, slowStartMs = 0) {
  const changes: string[] = [];
  const pool = new AgentPool<FakeConnection>('agent', {
    strategy: 'roundRobin',
    slowStartMs,
    now: () => now,
    onHealth: ({ connection: { id } }, { to, reason }) => changes.push(`${id} ${to} ${reason}`.trim()),
  });
  for (let i = 0; i < count; i += 1) pool.add(fakeReplica(String(i)));
  changes.length = 0;
  const probes: string[] = [];
  const state = { fit: true };
  const probe = (connection: FakeConnection): Promise<boolean> => {
    probes.push(connection.id);
    return Promise.resolve(state.fit);
  };
  const detector = new OutlierDetector(pool, { probe }, () => now);
  /** Requests to each replica: latency of its answers, or `error`. */
  const serve = (...each: (number | 'error')[]): void => {
    for (const [index, latency] of each.entries()) {
      for (let i = 0; i < 50; i += 1) {
        const member = pool.members[index];
        if (latency === 'error') member?.faulted(1, now);
        else member?.countAnswer(latency, now);
      }
    }
  };
  const tick = async (): Promise<void> => {
    detector.tick();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { pool, detector, changes, probes, state, serve, tick };
}

describe('outliers among the replicas of an agent', () => {
  it('one that fails where others do not is out, and says why', async () => {
    const { detector, serve, tick, pool, changes } = make(3);
    serve(5, 'error', 5);
    await tick();
    await tick();
    expect(detector.ejected).toEqual(['1']);
    expect(changes.at(-1)).toBe('1 unhealthy 3 failures in a row');
    expect(pool.of(pool.all[1] as FakeConnection)?.health.reason).toBe('outlier: 100 % of its requests fail');
    expect(new Set(Array.from({ length: 10 }, () => pool.select().id))).toEqual(new Set(['0', '2']));
  });

  it('so is one that is much slower than the others', async () => {
    const { detector, serve, tick, changes } = make(3);
    serve(20, 30, 600);
    await tick();
    expect(detector.ejected).toEqual(['2']);
    expect(changes).toEqual(['2 unhealthy outlier: 600 ms, where others take 20 ms']);
  });

  it('what all suffer from, what is not slow at all, and what had few requests ejects nobody', async () => {
    for (const figures of [
      ['error', 'error', 'error'],
      [600, 700, 800],
      [1, 90, 1],
    ] as const) {
      const { detector, serve, tick } = make(3);
      serve(...figures);
      await tick();
      expect(detector.ejected).toEqual([]);
    }
    const { detector, tick, pool } = make(2);
    for (let i = 0; i < 19; i += 1)
      for (const member of pool.members) member.countAnswer(member === pool.members[0] ? 1 : 900, now);
    await tick();
    expect(detector.ejected).toEqual([]);
  });

  it('never more than half are out, the worst first', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(5, 900, 'error' as const), { minLength: 1, maxLength: 9 }),
        async (each) => {
          const { detector, serve, tick } = make(each.length);
          for (let round = 0; round < 3; round += 1) {
            serve(...each);
            await tick();
            expect(detector.ejected.length).toBeLessThanOrEqual(Math.floor(each.length / 2));
          }
          const isOut = (index: string): boolean => each[Number(index)] !== 5;
          expect(detector.ejected.every(isOut)).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('comes back by a probe and a slow start, after a time that doubles while probes fail', async () => {
    const { detector, serve, tick, probes, state, pool, changes } = make(3, 10_000);
    serve(5, 5, 900);
    await tick();
    state.fit = false;
    for (const time of [9999, 10_000, 29_999, 30_000, 69_999]) {
      now = time;
      await tick();
    }
    expect(probes).toEqual(['2', '2']);
    state.fit = true;
    now = 70_000;
    await tick();
    expect(probes).toHaveLength(3);
    expect(detector.ejected).toEqual([]);
    expect(changes.at(-1)).toBe('2 healthy');
    const turns = Array.from({ length: 300 }, () => pool.select().id);
    expect(turns.filter((id) => id === '2').length).toBeLessThan(30);
    now = 90_000;
    expect(Array.from({ length: 300 }, () => pool.select().id).filter((id) => id === '2')).toHaveLength(100);
  });

  it('is out for longer the next time, and begins anew once it has been in for long', async () => {
    const { detector, serve, tick } = make(3);
    const outFor = async (): Promise<number> => {
      serve(5, 5, 900);
      await tick();
      const from = now;
      expect(detector.ejected).toEqual(['2']);
      for (; detector.ejected.length > 0; now += 1000) await tick();
      return now - 1000 - from;
    };
    expect([await outFor(), await outFor(), await outFor()]).toEqual([10_000, 20_000, 40_000]);
    now += 300_000;
    await tick();
    expect(await outFor()).toBe(10_000);
  });

  it('a connection that comes to a replica that is out is out as well, and who leaves is forgotten', async () => {
    const { detector, serve, tick, pool } = make(3);
    serve(5, 5, 900);
    await tick();
    pool.add(fakeReplica('2b', {}, '2'));
    await tick();
    expect(new Set(Array.from({ length: 10 }, () => pool.select().id))).toEqual(new Set(['0', '1']));
    for (const connection of pool.all.slice(2)) pool.remove(connection);
    await tick();
    expect(detector.ejected).toEqual([]);
  });
});
