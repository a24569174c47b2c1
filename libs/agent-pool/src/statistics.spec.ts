import fc from 'fast-check';
import { fakeReplica, type FakeConnection } from '../testing/fake-connection.js';
import { AgentPool, figuresOf } from './index.js';

describe('the figures of a pool (C14)', () => {
  it('are those of its connections, by replica and in all', () => {
    const pool = new AgentPool<FakeConnection>('agent-1', { now: () => 7 });
    expect(figuresOf(pool)).toMatchObject({ id: 'agent-1', requests: 0, errorRate: 0, isHealthy: false, replicas: [] });
    const [a1, a2, b1] = [
      fakeReplica('a1', { inFlight: 2 }, 'a'),
      fakeReplica('a2', { inFlight: 1, capacity: 5 }, 'a'),
      fakeReplica('b1', {}, 'b'),
    ];
    const members = [a1, a2, b1].map((connection) => pool.add(connection));
    for (const member of members) for (let i = 0; i < 4; i += 1) member.began();
    members[2]?.faulted(1, 7);
    members[2]?.health.reports('unhealthy', 'disk full', 7);
    members[1]?.health.connected(7);
    a2.capacity = 3;
    const group = { activeConnections: 3, healthyConnections: 2, isHealthy: true };
    expect(figuresOf(pool)).toMatchObject({ ...group, inFlight: 3, requests: 12, errors: 1, errorRate: 1 / 12 });
    expect(figuresOf(pool).replicas).toEqual([
      {
        id: 'a',
        activeConnections: 2,
        healthyConnections: 2,
        isHealthy: true,
        inFlight: 3,
        requests: 8,
        errors: 0,
        errorRate: 0,
      },
      {
        id: 'b',
        activeConnections: 1,
        healthyConnections: 0,
        isHealthy: false,
        inFlight: 0,
        requests: 4,
        errors: 1,
        errorRate: 0.25,
      },
    ]);
    expect(figuresOf(pool).connections.slice(1)).toEqual([
      {
        id: 'a2',
        replicaId: 'a',
        state: 'healthy',
        reason: '',
        since: 7,
        capacity: 3,
        inFlight: 1,
        requests: 4,
        errors: 0,
        errorRate: 0,
      },
      {
        ...{ id: 'b1', replicaId: 'b', state: 'unhealthy', reason: 'the agent reports unhealthy: disk full', since: 7 },
        ...{ capacity: 10, inFlight: 0, requests: 4, errors: 1, errorRate: 0.25 },
      },
    ]);
  });

  it('never leave anything in flight behind, however exchanges and connections end (model)', () => {
    const step = fc.oneof(
      fc.constantFrom('connect', 'open', 'open', 'open', 'pause', 'resume'),
      fc.tuple(fc.constantFrom('answer', 'fault', 'reset', 'lose'), fc.nat(50)),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
        const pool = new AgentPool<FakeConnection>('agent-1', { now: () => 0, slowStartMs: 0 });
        /** Exchanges under way, apart from what connections say. */
        let running: FakeConnection[] = [];
        const counts = { requests: 0, errors: 0 };
        for (const [i, it] of steps.entries()) {
          if (it === 'connect') pool.add(fakeReplica(`${i}`, {}, `${i % 3}`));
          else if (it === 'pause') pool.members[0]?.health.paused('asked', 0);
          else if (it === 'resume') pool.members[0]?.health.resumed(0);
          else if (it === 'open') {
            const member = pool.pick();
            if (member === undefined) continue;
            member.began();
            counts.requests += 1;
            member.connection.inFlight += 1;
            running.push(member.connection);
          } else if (typeof it !== 'string') {
            const [how, which] = it;
            if (how === 'lose') {
              const lost = pool.all[which % Math.max(1, pool.all.length)];
              if (lost === undefined) continue;
              // All that ran on it fails at once.
              lost.inFlight = 0;
              running = running.filter((connection) => connection !== lost);
              pool.remove(lost);
            } else {
              const [connection] = running.splice(which % Math.max(1, running.length), 1);
              if (connection === undefined) continue;
              connection.inFlight -= 1;
              if (how === 'answer') pool.of(connection)?.countAnswer(1, 0);
              if (how === 'fault') {
                pool.of(connection)?.faulted(1, 0);
                counts.errors += 1;
              }
            }
          }
          const figures = figuresOf(pool);
          expect(figures).toMatchObject({ inFlight: running.length, ...counts });
          const sum = (list: readonly { inFlight: number }[]): number =>
            list.reduce((all, one) => all + one.inFlight, 0);
          expect([sum(figures.replicas), sum(figures.connections)]).toEqual([running.length, running.length]);
        }
      }),
    );
  });
});
