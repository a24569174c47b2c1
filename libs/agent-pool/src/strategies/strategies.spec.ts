import fc from 'fast-check';
import { type FakeConnection, fakeReplica } from '../../testing/fake-connection.js';
import { seeded, simulate } from '../../testing/simulation.js';
import { AgentPool, type StrategyName, STRATEGIES } from '../index.js';

const NAMES = Object.keys(STRATEGIES) as StrategyName[];

function poolOf(strategy: StrategyName, connections: FakeConnection[], now = () => 0): AgentPool<FakeConnection> {
  const pool = new AgentPool<FakeConnection>('agent', { strategy, slowStartMs: 0, now, random: seeded(7) });
  for (const connection of connections) pool.add(connection);
  return pool;
}

const ratio = (shares: readonly number[]): number => Math.max(...shares) / Math.min(...shares);

describe.each(NAMES)('C2: strategy %s', (strategy) => {
  const connection = fc.record({
    inFlight: fc.nat(4),
    capacity: fc.constantFrom(2, 4, 100),
    accepting: fc.boolean(),
    congested: fc.boolean(),
    paused: fc.boolean(),
  });

  it('picks one that can take an exchange exactly when there is one, of any number', () => {
    fc.assert(
      fc.property(fc.array(connection, { maxLength: 20 }), fc.nat(19), (states, exceptIndex) => {
        const connections = states.map((state, index) => fakeReplica(String(index), state));
        const pool = poolOf(strategy, connections);
        for (const [index, { paused }] of states.entries()) {
          const it = connections[index];
          if (paused && it !== undefined) pool.of(it)?.health.paused('test', 0);
        }
        const except = connections[exceptIndex];
        const fit = connections.filter(
          (it, index) =>
            it !== except && it.accepting && !it.congested && it.inFlight < it.capacity && !states[index]?.paused,
        );
        for (let i = 0; i < 5; i += 1) {
          const picked = pool.pick(except)?.connection;
          if (fit.length === 0) expect(picked).toBeUndefined();
          else expect(fit).toContain(picked);
        }
      }),
    );
  });

  it('gives replicas that are alike the same share', () => {
    const { shares } = simulate({ strategy, serviceMs: [5, 5, 5, 5], clients: 16, requests: 40_000 });
    expect(ratio(shares)).toBeLessThanOrEqual(1.1);
  });

  it('gives connections that are idle the same share', () => {
    const connections = Array.from({ length: 4 }, (_, index) => fakeReplica(String(index)));
    const pool = poolOf(strategy, connections);
    const shares = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i += 1) {
      const index = Number(pool.select().id);
      shares[index] = (shares[index] ?? 0) + 1;
    }
    expect(ratio(shares)).toBeLessThanOrEqual(1.1);
  });
});

describe('C2: what is particular to a strategy', () => {
  const three = (inFlight: number[]): FakeConnection[] =>
    inFlight.map((count, index) => fakeReplica(String(index), { inFlight: count }));

  it('round robin goes on with the next one, past those that cannot', () => {
    const connections = three([0, 0, 0]);
    const pool = poolOf('roundRobin', connections);
    const turn = (): string => pool.select().id;
    expect([turn(), turn(), turn(), turn()]).toEqual(['0', '1', '2', '0']);
    (connections[1] as FakeConnection).accepting = false;
    expect([turn(), turn(), turn()]).toEqual(['2', '0', '2']);
  });

  it('random is fair among those that are left', () => {
    const connections = three([0, 0, 0, 0]);
    (connections[1] as FakeConnection).accepting = false;
    const pool = poolOf('random', connections);
    const picked = Array.from({ length: 30_000 }, () => pool.select().id);
    expect(ratio(['0', '2', '3'].map((id) => picked.filter((it) => it === id).length))).toBeLessThan(1.1);
  });

  it('least in flight takes one with the fewest exchanges, whatever their numbers', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 20 }), (counts) => {
        const picked = poolOf('leastInFlight', three(counts)).select();
        expect(picked.inFlight).toBe(Math.min(...counts));
      }),
    );
  });

  it('health based takes those with fewer errors, degraded ones last, and forgives with time', () => {
    let now = 0;
    const connections = three([0, 0, 0]);
    const pool = poolOf('healthBased', connections, () => now);
    const [failing, degraded, good] = connections.map((it) => pool.of(it));
    for (let i = 0; i < 20; i += 1) {
      failing?.faulted(1, now);
      failing?.countAnswer(1, now);
    }
    degraded?.health.reports('degraded', '', now);
    const picks = (): Set<string> => new Set(Array.from({ length: 9 }, () => pool.select().id));
    expect(picks()).toEqual(new Set(['2']));
    (good as NonNullable<typeof good>).connection.accepting = false;
    expect(picks()).toEqual(new Set(['0']));
    degraded?.health.reports('healthy', '', now);
    expect(picks()).toEqual(new Set(['1']));
    now = 120_000;
    expect(picks()).toEqual(new Set(['0', '1']));
  });

  it('least loaded gives a replica that is ten times slower at most a fifth of a share', () => {
    for (const clients of [4, 16, 64]) {
      const load = { serviceMs: [5, 5, 5, 50], clients, requests: 20_000 };
      const weighed = simulate({ strategy: 'leastLoaded', ...load });
      const [fast = 0, , , slow = 0] = weighed.shares;
      expect(slow / fast).toBeLessThanOrEqual(0.2);
      const p99 = ({ latencies }: typeof weighed): number => latencies[Math.floor(latencies.length * 0.99)] ?? 0;
      expect(p99(weighed)).toBeLessThan(p99(simulate({ strategy: 'roundRobin', ...load })) / 2);
    }
  });

  it('least loaded gives one that stands still no more than the others have, and comes back to it', () => {
    const { shares, peaks } = simulate({
      strategy: 'leastLoaded',
      serviceMs: [5, 5, 5, Infinity],
      clients: 32,
      requests: 20_000,
    });
    expect(shares[3]).toBe(peaks[3]);
    expect(shares[3]).toBeLessThanOrEqual(16);

    let now = 0;
    const pool = poolOf('leastLoaded', three([0, 0]), () => now);
    const [slow, quick] = pool.members;
    slow?.countAnswer(2000, now);
    quick?.countAnswer(1, now);
    expect([pool.select().id, pool.select().id, pool.select().id]).toEqual(['1', '1', '1']);
    now = 60_000;
    expect(new Set([pool.select().id, pool.select().id])).toEqual(new Set(['0', '1']));
  });

  it('least loaded does not take quick failures for quick answers', () => {
    const pool = poolOf('leastLoaded', three([0, 0]));
    const [failing, good] = pool.members;
    failing?.faulted(0.1, 0);
    good?.countAnswer(20, 0);
    expect([pool.select().id, pool.select().id]).toEqual(['1', '1']);
  });

  it('least loaded draws two of many: shares stay even, and the slow ones get less', () => {
    const serviceMs = Array.from({ length: 32 }, (_, index) => (index < 28 ? 5 : 50));
    const { shares } = simulate({ strategy: 'leastLoaded', serviceMs, clients: 128, requests: 80_000 });
    expect(ratio(shares.slice(0, 28))).toBeLessThanOrEqual(1.2);
    const mean = (list: number[]): number => list.reduce((sum, share) => sum + share, 0) / list.length;
    expect(mean(shares.slice(28)) / mean(shares.slice(0, 28))).toBeLessThanOrEqual(0.2);
  });
});
