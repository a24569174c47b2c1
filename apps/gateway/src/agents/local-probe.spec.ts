import { setImmediate as nextTurn } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { AgentPool, HEALTH_DEFAULTS } from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import { ResetCode } from '@berth/exchange';
import { type FakeConnection, fakeReplica } from '../../../../libs/agent-pool/testing/fake-connection.js';
import { LocalProbe } from './local-probe.js';

const OPTIONS = { service: 'default', path: '/health', intervalMs: 10_000, timeoutMs: 500 };

function make(...connections: FakeConnection[]) {
  const health = { ...HEALTH_DEFAULTS, probeFall: 2, probeRise: 1 };
  const pool = new AgentPool('a', { health, slowStartMs: 0 });
  for (const connection of connections) pool.add(connection);
  const probe = new LocalProbe(pool, OPTIONS);
  const states = (): string[] => pool.members.map((member) => member.health.state);
  return { pool, probe, states };
}

/** Answers the last that was asked of a connection. */
async function answer(connection: FakeConnection, status: number): Promise<void> {
  connection.opened.at(-1)?.sink.head({ status, reason: '', headers: [] });
  await nextTurn();
  await nextTurn();
}

const asked = (connection: FakeConnection): string[] => connection.opened.map(({ head }) => head.target);

describe('the probe of local services (C13)', () => {
  it('asks each replica once in an interval, through one of its connections, and what comes of it counts for all of them', async () => {
    const [a1, a2, b] = [fakeReplica('a1', {}, 'a'), fakeReplica('a2', {}, 'a'), fakeReplica('b')];
    const { probe, states } = make(a1, a2, b);
    for (const now of [0, 1000, 9999]) probe.tick(now);
    expect([a1, a2, b].map(asked)).toEqual([['/health'], [], ['/health']]);
    await answer(a1, 500);
    await answer(b, 404);
    expect(states()).toEqual(['degraded', 'degraded', 'healthy']);
    probe.tick(10_000);
    await answer(a1, 503);
    expect(states()).toEqual(['unhealthy', 'unhealthy', 'healthy']);
    probe.tick(20_000);
    await answer(a1, 204);
    expect(states()).toEqual(['healthy', 'healthy', 'healthy']);
  });

  it('takes another connection where one takes nothing new, and lets a full or paused one alone', () => {
    const full = fakeReplica('a1', { capacity: 0 }, 'a');
    const leaving = fakeReplica('a2', { accepting: false }, 'a');
    const open = fakeReplica('a3', {}, 'a');
    const { probe, pool } = make(full, leaving, open);
    probe.tick(0);
    expect([full, leaving, open].map((it) => asked(it).length)).toEqual([0, 0, 1]);
    pool.remove(open);
    probe.tick(10_000);
    expect([full, leaving].map((it) => asked(it).length)).toEqual([0, 0]);
  });

  it('wants no body: the exchange ends with its head', async () => {
    const connection = fakeReplica('a');
    const resets: unknown[] = [];
    let discarded = 0;
    const open = connection.open.bind(connection);
    connection.open = (head, sink) =>
      Object.assign(open(head, sink), {
        reset: (code: ResetCode) => resets.push(code),
        discard: () => (discarded += 1),
      });
    const { probe } = make(connection);
    probe.tick(0);
    await answer(connection, 200);
    expect([resets, discarded]).toEqual([[ResetCode.cancelled], 1]);
  });

  it('counts no answer in time and a failure as bad ones, but not the end of the connection', async () => {
    const connection = fakeReplica('a');
    const { probe, states, pool } = make(connection);
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    try {
      probe.tick(0);
      jest.advanceTimersByTime(OPTIONS.timeoutMs);
    } finally {
      jest.useRealTimers();
    }
    await nextTurn();
    expect(states()).toEqual(['degraded']);
    connection.open = () => {
      throw new BerthError('BERTH_UNSUPPORTED_EXCHANGE', 'no');
    };
    probe.tick(10_000);
    await nextTurn();
    expect(states()).toEqual(['unhealthy']);

    const closing = fakeReplica('b');
    pool.add(closing);
    probe.tick(20_000);
    closing.closed = true;
    closing.opened.at(-1)?.sink.failed({ code: 'connection-lost', message: '' });
    await nextTurn();
    expect(states()[1]).toBe('healthy');
  });
});
