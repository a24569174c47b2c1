import { BerthError } from '@berth/errors';
import { type OpenHead, ResetCode, type ResponseSink } from '@berth/exchange';
import { FakeConnection } from '../testing/fake-connection.js';
import { RecordingSink } from '../testing/recording-sink.js';
import { AgentPool } from './index.js';

const fake = (id: string, over: Partial<FakeConnection> = {}): FakeConnection => new FakeConnection(id, over);

function poolOf(...connections: FakeConnection[]): AgentPool {
  const pool = new AgentPool('agent-1');
  for (const connection of connections) pool.add(connection);
  return pool;
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (thrown) {
    return BerthError.from(thrown).code;
  }
  return undefined;
}

describe('AgentPool', () => {
  it('takes the connection with the fewest exchanges', () => {
    const pool = poolOf(fake('a', { inFlight: 3 }), fake('b', { inFlight: 1 }), fake('c', { inFlight: 2 }));
    for (let i = 0; i < 5; i += 1) expect(pool.select().id).toBe('b');
  });

  it('lets equals take turns', () => {
    const pool = poolOf(fake('a'), fake('b'), fake('c'));
    const counts = new Map<string, number>();
    for (let i = 0; i < 30; i += 1) {
      const { id } = pool.select();
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual({ a: 10, b: 10, c: 10 });
  });

  it('passes over those that do not accept, are full, or have just failed', () => {
    const failed = fake('failed');
    const pool = poolOf(fake('closed', { accepting: false }), fake('full', { inFlight: 10 }), failed, fake('good'));
    for (let i = 0; i < 8; i += 1) expect(pool.select(failed).id).toBe('good');
  });

  it('says unavailable when none accepts, and busy when those that do are full', () => {
    const [closed, full] = [fake('closed', { accepting: false }), fake('full', { inFlight: 10 })];
    expect(codeOf(() => poolOf().select())).toBe('BERTH_AGENT_UNAVAILABLE');
    expect(codeOf(() => poolOf(closed).select())).toBe('BERTH_AGENT_UNAVAILABLE');
    expect(codeOf(() => poolOf(closed, full).select())).toBe('BERTH_AGENT_BUSY');
  });

  it('uses one on standby only when no other connection can', () => {
    const standby = fake('standby', { accepting: false, standby: true });
    const other = fake('other', { inFlight: 9 });
    const pool = poolOf(standby, other);
    expect(pool.select().id).toBe('other');
    other.inFlight = 10;
    expect(pool.select().id).toBe('standby');
    standby.inFlight = 10;
    expect(codeOf(() => pool.select())).toBe('BERTH_AGENT_BUSY');
    expect(codeOf(() => poolOf(standby).select(standby))).toBe('BERTH_AGENT_UNAVAILABLE');
  });

  it('A11: removes that very connection, not another with its name', () => {
    const [old, successor] = [fake('same'), fake('same')];
    const pool = poolOf(old);
    expect(pool.remove(old)).toBe(true);
    pool.add(successor);
    expect(pool.remove(old)).toBe(false);
    expect(pool.all).toEqual([successor]);
  });

  it('is not disturbed under a caller who walks it', () => {
    const pool = poolOf(fake('a'), fake('b'), fake('c'));
    const seen: string[] = [];
    for (const connection of pool.all) {
      seen.push(connection.id);
      pool.remove(connection);
    }
    expect(seen).toEqual(['a', 'b', 'c']);
    expect(pool.all).toEqual([]);
  });

  it('adds up what is under way', () => {
    expect(poolOf(fake('a', { inFlight: 3 }), fake('b', { inFlight: 4 })).inFlight).toBe(7);
    expect(poolOf().inFlight).toBe(0);
  });

  const head: OpenHead = { kind: 0, method: 'GET', target: '/', headers: [], body: false };

  it('opens an exchange on the connection that it picks, and on no other the second time', () => {
    const [first, second] = [fake('first'), fake('second', { inFlight: 1 })];
    const pool = poolOf(first, second);
    const exchange = pool.open(head, new RecordingSink());
    expect(exchange.connection).toBe(first);
    expect(first.opened).toMatchObject([{ head }]);
    expect(pool.open(head, new RecordingSink(), exchange.connection).connection).toBe(second);
  });

  it('hands on all that comes of an exchange, and sees the time of its head and what failed', () => {
    let now = 0;
    const connection = fake('a');
    const pool = new AgentPool('agent-1', { now: () => now });
    const member = pool.add(connection);
    const sink = new RecordingSink();
    sink.onWritable = () => sink.calls.push('writable');
    pool.open(head, sink);
    const told = connection.opened[0]?.sink as ResponseSink;
    now = 40;
    told.informational({ status: 103, headers: [] });
    told.writable();
    told.progressed?.();
    told.head({ status: 200, reason: '', headers: [] });
    now = 5000;
    told.data(Buffer.from('x'));
    told.end(undefined);
    expect(sink.calls).toEqual(['informational 103', 'writable', 'head', 'data', 'end']);
    expect([member.requests, member.errors, member.recent.latencies(0)]).toEqual([1, 0, 40]);

    for (const code of ['connection-lost', ResetCode.localFailed, ResetCode.cancelled] as const) {
      pool.open(head, sink);
      connection.opened.at(-1)?.sink.failed({ code, message: '' });
    }
    expect(sink.failures).toHaveLength(3);
    expect([member.requests, member.errors, member.health.consecutiveErrors]).toEqual([4, 2, 2]);
  });

  it('an answer that breaks off after a long time does not look slow', () => {
    let now = 0;
    const connection = fake('a');
    const pool = new AgentPool('agent-1', { now: () => now });
    const member = pool.add(connection);
    pool.open(head, new RecordingSink());
    connection.opened[0]?.sink.head({ status: 200, reason: '', headers: [] });
    now = 600_000;
    connection.opened[0]?.sink.failed({ code: 'connection-lost', message: '' });
    expect(member.latency.valueAt(now, false)).toBe(1000);
  });
});
