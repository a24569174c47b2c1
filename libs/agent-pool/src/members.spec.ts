import { type FakeConnection, fakeReplica } from '../testing/fake-connection.js';
import { AgentPool, type PoolOptions } from './index.js';

let now = 0;
beforeEach(() => (now = 0));

function poolOf(options: Partial<PoolOptions<FakeConnection>>, ...connections: FakeConnection[]) {
  const pool = new AgentPool<FakeConnection>('agent-1', {
    strategy: 'roundRobin',
    slowStartMs: 0,
    now: () => now,
    ...options,
  });
  for (const connection of connections) pool.add(connection);
  return pool;
}

function fail(pool: AgentPool<FakeConnection>, connection: FakeConnection): void {
  for (let i = 0; i < 3; i += 1) pool.of(connection)?.countFailure('connection-lost', 1, now);
}

const picks = (pool: AgentPool<FakeConnection>, count: number): string[] =>
  Array.from({ length: count }, () => pool.select().id);

describe('what a pool knows of its connections', () => {
  it('C6, C13: passes over one that is not fit, and tells each change once', () => {
    const told: string[] = [];
    const [good, bad] = [fakeReplica('good'), fakeReplica('bad')];
    const pool = poolOf({ onHealth: ({ connection: { id } }, { to }) => told.push(`${id} ${to}`) }, good, bad);
    fail(pool, bad);
    expect(picks(pool, 4)).toEqual(['good', 'good', 'good', 'good']);
    pool.of(bad)?.countAnswer(1, now);
    expect(new Set(picks(pool, 4))).toEqual(new Set(['good', 'bad']));
    expect(told).toEqual(['good healthy', 'bad healthy', 'bad degraded', 'bad unhealthy', 'bad healthy']);
  });

  it('failures of others than the agent change nothing', () => {
    const connection = fakeReplica('a');
    const pool = poolOf({}, connection);
    for (let i = 0; i < 9; i += 1) pool.of(connection)?.countFailure(1, 1, now);
    expect(pool.of(connection)).toMatchObject({ errors: 0, health: { state: 'healthy' } });
  });

  it('leaves out the whole replica whose connection has failed an exchange, while there is another one', () => {
    const [failed, twin] = [fakeReplica('failed', {}, 'one'), fakeReplica('twin', {}, 'one')];
    const other = fakeReplica('other', {}, 'two');
    const pool = poolOf({}, failed, twin, other);
    const elsewhere = (): string[] => Array.from({ length: 3 }, () => pool.select(failed).id);
    expect(elsewhere()).toEqual(['other', 'other', 'other']);
    expect(new Set(picks(pool, 3))).toEqual(new Set(['failed', 'twin', 'other']));
    other.inFlight = other.capacity;
    expect(elsewhere()).toEqual(['twin', 'twin', 'twin']);
    pool.remove(twin);
    expect(pool.obstacle(failed)).toBe('full');
  });

  it('C5: uses one that is not fit as the last resort, or says that none is healthy', () => {
    const [standby, bad] = [fakeReplica('standby', { accepting: false, standby: true }), fakeReplica('bad')];
    const pool = poolOf({}, standby, bad);
    fail(pool, bad);
    expect(picks(pool, 2)).toEqual(['standby', 'standby']);
    pool.remove(standby);
    expect(picks(pool, 1)).toEqual(['bad']);

    const strict = poolOf({ lastResort: false }, bad);
    fail(strict, bad);
    expect(strict.obstacle()).toBe('unfit');
    expect(() => strict.select()).toThrow(
      expect.objectContaining({
        code: 'BERTH_AGENT_UNAVAILABLE',
        message: 'no healthy connections for agent agent-1',
      }) as Error,
    );
  });

  it('C6: several that are not fit share what is begun, and maintenance has them all tried again', () => {
    const connections = ['a', 'b', 'c'].map((id) => fakeReplica(id));
    const pool = poolOf({}, ...connections);
    for (const connection of connections) fail(pool, connection);
    for (let i = 0; i < 6; i += 1) pool.select().inFlight += 1;
    expect(connections.map(({ inFlight }) => inFlight)).toEqual([2, 2, 2]);
    pool.tick(9999);
    expect(pool.members.map(({ usable }) => usable)).toEqual([false, false, false]);
    pool.tick(10_000);
    expect(new Set(picks(pool, 3))).toEqual(new Set(['a', 'b', 'c']));
  });

  it('C7: one that is paused is never used, and one that allows fewer exchanges gets no more', () => {
    const connection = fakeReplica('a', { inFlight: 2 });
    const pool = poolOf({}, connection);
    const member = pool.of(connection);
    member?.health.paused('the agent asks for it', now);
    expect(pool.obstacle()).toBe('paused');
    expect(() => pool.select()).toThrow(expect.objectContaining({ code: 'BERTH_AGENT_BUSY' }) as Error);
    member?.health.resumed(now);
    expect(picks(pool, 1)).toEqual(['a']);
    connection.capacity = 2;
    expect(pool.obstacle()).toBe('full');
    expect(pool.pick()).toBeUndefined();
  });
});

describe('a replica that comes to others', () => {
  const share = (pool: AgentPool<FakeConnection>, id: string): number =>
    picks(pool, 1000).filter((it) => it === id).length / 1000;

  it('begins with a tenth of its turns and has all of them after the slow start', () => {
    const pool = poolOf({ slowStartMs: 10_000 }, fakeReplica('old'));
    pool.add(fakeReplica('new'));
    const shares: number[] = [];
    for (now = 0; now <= 10_000; now += 2500) shares.push(share(pool, 'new'));
    expect(shares[0]).toBeCloseTo(0.09, 1);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBeCloseTo(0.5, 2);
  });

  it('starts at once when it is the first, or another connection of one that is there', () => {
    const first = poolOf({ slowStartMs: 10_000 }, fakeReplica('a', {}, '1'), fakeReplica('b', {}, '1'));
    expect(share(first, 'b')).toBeCloseTo(0.5, 2);
  });

  it('serves fully while no other can', () => {
    const old = fakeReplica('old');
    const pool = poolOf({ slowStartMs: 10_000 }, old);
    pool.add(fakeReplica('new'));
    old.accepting = false;
    expect(share(pool, 'new')).toBe(1);
  });

  it('is not taken for the quickest, because it has not answered yet', () => {
    const old = fakeReplica('old');
    const pool = poolOf({ strategy: 'leastLoaded', slowStartMs: 0 }, old);
    pool.of(old)?.countAnswer(200, now);
    pool.add(fakeReplica('new'));
    expect(share(pool, 'new')).toBeCloseTo(0.5, 2);
  });
});

describe('a drain', () => {
  const stateOf = (pool: AgentPool<FakeConnection>): string[] => pool.members.map(({ health }) => health.state);

  it('keeps exchanges away from one replica, also from a connection that it opens meanwhile', () => {
    const pool = poolOf({}, fakeReplica('a1', {}, 'a'), fakeReplica('b1', {}, 'b'));
    expect(pool.drain('a')).toBe(true);
    pool.add(fakeReplica('a2', {}, 'a'));
    expect(stateOf(pool)).toEqual(['draining', 'healthy', 'draining']);
    expect(picks(pool, 4)).toEqual(['b1', 'b1', 'b1', 'b1']);
    expect([pool.undrain('a'), stateOf(pool)]).toEqual([true, ['healthy', 'healthy', 'healthy']]);
    expect(new Set(picks(pool, 6))).toEqual(new Set(['a1', 'a2', 'b1']));
  });

  it('of all lets nobody stand in, whoever comes, and says why', () => {
    const pool = poolOf({}, fakeReplica('a'), fakeReplica('standby', { accepting: false, standby: true }));
    pool.drain();
    pool.add(fakeReplica('new'));
    expect(pool.obstacle()).toBe('drained');
    expect(() => pool.select()).toThrow(expect.objectContaining({ code: 'BERTH_DRAINING' }) as Error);
    pool.undrain();
    pool.add(fakeReplica('later'));
    expect(stateOf(pool)).toEqual(['healthy', 'healthy', 'healthy', 'healthy']);
  });

  it('of a replica that is not there is refused; one of all is not ended for one that comes later', () => {
    const pool = poolOf({}, fakeReplica('a'));
    expect([pool.drain('b'), pool.undrain('b')]).toEqual([false, false]);
    pool.drain();
    pool.undrain('a');
    pool.add(fakeReplica('new'));
    expect(stateOf(pool)).toEqual(['healthy', 'draining']);
  });

  it('is followed by a slow start beside others', () => {
    const pool = poolOf({ slowStartMs: 10_000 }, fakeReplica('a', {}, '1'), fakeReplica('b', {}, '1'));
    pool.drain();
    pool.undrain();
    const share = (id: string): number => picks(pool, 100).filter((it) => it === id).length / 100;
    expect(share('b')).toBeCloseTo(0.5, 1);
    const other = fakeReplica('c');
    pool.add(other);
    now = 20_000;
    pool.drain('c');
    pool.undrain('c');
    expect(share('c')).toBeLessThan(0.2);
  });
});
