import { setImmediate as nextTurn } from 'node:timers/promises';
import { BerthError } from '@berth/errors';
import { type ExchangeRequest, ResetCode } from '@berth/exchange';
import { FakeClient, fakeRequest } from '../../exchange/testing/fake-dispatch.js';
import { type FakeConnection, fakeReplica } from '../testing/fake-connection.js';
import { Admission, type AgentConnection, AgentPool, figuresOf, poolDispatch } from './index.js';

let now = 0;
const admissions: Admission<AgentConnection>[] = [];
beforeEach(() => (now = 0));
afterEach(() => {
  for (const admission of admissions.splice(0)) admission.refuseAll(new BerthError('BERTH_DRAINING', 'over'));
});

function make(capacity = 10, isFault = (_: number) => false) {
  const pool = new AgentPool('agent-1', { now: () => now, slowStartMs: 0, isFault });
  const connections = ['a', 'b'].map((id) => fakeReplica(id, { capacity }));
  for (const connection of connections) pool.add(connection);
  const admission = new Admission(pool, { maxWaiting: 1, now: () => now });
  admissions.push(admission);
  const dispatch = poolDispatch(pool, admission);
  const ask = (over: Partial<ExchangeRequest> = {}) => {
    const client = new FakeClient();
    dispatch({ ...fakeRequest(), ...over }, client);
    return client;
  };
  const [a, b] = connections as [FakeConnection, FakeConnection];
  return { pool, admission, ask, a, b };
}

/** What the connection's last exchange brings. */
const answer = (connection: FakeConnection) => connection.opened.at(-1)?.sink;
const head = (status: number) => ({ status, reason: '', headers: [] });

describe("exchanges on a pool's connections", () => {
  it('tell it the time to the head of the answer, and hand everything on', () => {
    const { pool, ask, a, b } = make();
    b.accepting = false;
    const client = ask();
    now = 40;
    answer(a)?.head(head(200));
    answer(a)?.end(undefined);
    expect(client.calls).toEqual(['opened', 'head 200', 'end']);
    expect(client.exchange.connection).toBe(a);
    expect(pool.of(a)?.latency.valueAt(now, false)).toBe(40);
    expect(figuresOf(pool)).toMatchObject({ requests: 1, errors: 0 });
  });

  it('count failures of the agent against its connection, and 5xx where that is configured', () => {
    const { pool, ask, a, b } = make(10, (status) => status >= 500);
    b.accepting = false;
    ask();
    answer(a)?.failed({ code: ResetCode.localFailed, message: '' });
    ask();
    answer(a)?.failed({ code: ResetCode.cancelled, message: '' });
    ask();
    answer(a)?.head(head(503));
    expect(figuresOf(pool)).toMatchObject({ requests: 3, errors: 2 });
    expect(pool.of(a)?.health.state).toBe('degraded');
  });

  it('wait for room and begin when another has ended; a client that leaves waits no longer', async () => {
    const { admission, ask, a, b } = make(1);
    b.accepting = false;
    ask();
    a.inFlight = 1;
    const second = ask();
    expect([second.calls, second.wait !== undefined]).toEqual([[], true]);
    second.wait?.cancel();
    const third = ask();
    expect(ask().failures.map(({ error }) => error?.code)).toEqual(['BERTH_AGENT_BUSY']);
    a.inFlight = 0;
    admission.roomMade();
    await nextTurn();
    expect([second.calls, third.calls, admission.waiting]).toEqual([[], ['opened'], 0]);
  });

  it('C9: go to the replica that they should go to, while it has room', () => {
    const { ask, a, b } = make();
    for (let i = 0; i < 4; i += 1) expect(ask({ replicaId: 'b' }).exchange.connection).toBe(b);
    expect(ask({ replicaId: 'b', except: b }).exchange.connection).toBe(a);
    b.inFlight = b.capacity;
    expect(ask({ replicaId: 'b' }).exchange.connection).toBe(a);
  });

  it('go to another connection on a second try, which does not wait', () => {
    const { ask, a, b } = make(1);
    expect(ask({ except: a }).exchange.connection).toBe(b);
    b.inFlight = 1;
    expect(ask({ except: a }).failures.map(({ error }) => error?.code)).toEqual(['BERTH_AGENT_BUSY']);
  });

  it('fail with what the connection throws, where it cannot carry the request', () => {
    const { ask, a, b } = make();
    for (const connection of [a, b]) {
      connection.open = () => {
        throw new Error('broken');
      };
    }
    expect(ask().failures.map(({ code, error }) => [code, error?.code])).toEqual([
      [ResetCode.refused, 'BERTH_INTERNAL'],
    ]);
  });

  it('begin at the replica that they should go to after a wait as well, where that has room', async () => {
    const { admission, ask, a, b } = make(1);
    a.inFlight = b.inFlight = 1;
    const client = ask({ replicaId: 'b' });
    expect(client.calls).toEqual([]);
    a.inFlight = b.inFlight = 0;
    admission.roomMade();
    await nextTurn();
    expect(client.exchange.connection).toBe(b);
  });

  it('begin there too when those that waited before them have just gone', () => {
    const { ask, a, b } = make(2);
    a.inFlight = b.inFlight = 2;
    ask();
    a.inFlight = b.inFlight = 0;
    expect(ask({ replicaId: 'b' }).exchange.connection).toBe(b);
    a.inFlight = b.inFlight = 2;
    ask();
    a.inFlight = b.inFlight = 0;
    expect(ask({ replicaId: 'a' }).exchange.connection).toBe(a);
  });
});
