import { jest } from '@jest/globals';
import type { BerthError } from '@berth/errors';
import { type FakeConnection, fakeReplica } from '../../testing/fake-connection.js';
import { Admission, type AdmissionOptions, AgentPool, type Entrant, FlowSignals, type Member } from '../index.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

class Client implements Entrant<FakeConnection> {
  outcome = 'waits';
  member: Member<FakeConnection> | undefined;

  constructor(private readonly began: string[] = []) {}

  begin(member: Member<FakeConnection>): void {
    this.outcome = 'began';
    this.member = member;
    member.connection.inFlight += 1;
    this.began.push(member.connection.id);
  }

  refused(error: BerthError): void {
    this.outcome = error.code;
  }
}

function make(options: Partial<AdmissionOptions> = {}, capacity = 1) {
  const connection = fakeReplica('a', { capacity });
  const pool = new AgentPool<FakeConnection>('agent-1');
  const member = pool.add(connection);
  const admission = new Admission(pool, { maxWaitMs: 1000, pauseWaitMs: 100, ...options });
  const signals = new FlowSignals(
    member,
    { wake: () => admission.wake(), exchangeResumed: () => undefined, isOpen: () => true },
    () => performance.now(),
  );
  const enter = (key = 'client') => {
    const client = new Client();
    return { client, ticket: admission.enter(key, client) };
  };
  const end = (): void => {
    connection.inFlight -= 1;
    admission.wake();
  };
  return { admission, pool, connection, signals, enter, end };
}

describe('letting exchanges into a pool', () => {
  it('C10: one more than the connection takes waits and is not refused, until its time is over', () => {
    const { enter, end } = make();
    const [first, second, third] = [enter(), enter(), enter()];
    expect([first, second, third].map(({ client }) => client.outcome)).toEqual(['began', 'waits', 'waits']);
    jest.advanceTimersByTime(999);
    end();
    expect(second.client.outcome).toBe('began');
    jest.advanceTimersByTime(1);
    expect(third.client.outcome).toBe('BERTH_AGENT_BUSY');
  });

  it('C10: lets nobody overtake, and is fair between clients', () => {
    const { enter, end } = make();
    enter();
    const greedy = [enter('greedy'), enter('greedy')];
    const modest = enter('modest');
    end();
    expect([...greedy, modest].map(({ client }) => client.outcome)).toEqual(['began', 'waits', 'waits']);
    end();
    expect([...greedy, modest].map(({ client }) => client.outcome)).toEqual(['began', 'waits', 'began']);
    end();
    end();
  });

  it('C11: who is cancelled hears nothing and takes no room; a shutdown refuses all', () => {
    const { admission, enter, end, connection } = make();
    enter();
    const [gone, left] = [enter(), enter()];
    expect(gone.ticket && admission.cancel(gone.ticket)).toBe(true);
    end();
    expect([gone.client.outcome, left.client.outcome, connection.inFlight]).toEqual(['waits', 'began', 1]);
    const last = enter();
    admission.cancelAll('proxy_shutdown');
    expect(last.client.outcome).toBe('BERTH_DRAINING');
  });

  it('waits for nothing where nobody is there, and where nobody may wait', () => {
    const { admission, pool, connection, enter } = make({ maxWaiting: 1 });
    enter();
    enter();
    expect(enter().client.outcome).toBe('BERTH_AGENT_BUSY');
    admission.cancelAll('manual');
    pool.remove(connection);
    expect(enter().client.outcome).toBe('BERTH_AGENT_UNAVAILABLE');
  });

  it('C7: fail closed is an error at once, and counted', () => {
    const { admission, signals, enter } = make();
    signals.pause();
    expect(enter().client.outcome).toBe('BERTH_AGENT_BUSY');
    signals.resume();
    expect(enter().client.outcome).toBe('began');
    expect(admission.flowRejections).toBe(1);
  });

  it('C7: fail open goes on, and is counted', () => {
    const { admission, signals, enter } = make({ mode: 'failOpen' });
    signals.pause();
    const { client } = enter();
    expect([client.outcome, client.member?.health.state]).toEqual(['began', 'paused']);
    expect(enter().client.outcome).toBe('BERTH_AGENT_BUSY');
    expect(admission.flowRejections).toBe(2);
  });

  it('C7: wait and retry begins when the agent resumes, and fails after its time', () => {
    const { admission, signals, enter } = make({ mode: 'waitAndRetry' }, 2);
    signals.pause();
    const first = enter();
    jest.advanceTimersByTime(99);
    signals.resume();
    expect(first.client.outcome).toBe('began');
    signals.pause();
    const second = enter();
    jest.advanceTimersByTime(100);
    expect(second.client.outcome).toBe('BERTH_AGENT_BUSY');
    expect(admission.flowRejections).toBe(1);
  });

  it('C7: Capacity bounds what is begun, and who waits begins when it grows', () => {
    const { signals, enter, connection } = make({}, 100);
    signals.capacity(0);
    const clients = [enter(), enter(), enter()];
    expect(connection.inFlight).toBe(0);
    signals.capacity(2);
    expect(clients.map(({ client }) => client.outcome)).toEqual(['began', 'began', 'waits']);
    jest.advanceTimersByTime(1000);
    expect(clients[2]?.client.outcome).toBe('BERTH_AGENT_BUSY');
  });
});

describe('what an agent asks for (C7)', () => {
  it('pauses and resumes single exchanges, of those that are under way', () => {
    const resumed: number[] = [];
    const pool = new AgentPool<FakeConnection>('agent-1');
    const signals = new FlowSignals(
      pool.add(fakeReplica('a')),
      { wake: () => undefined, exchangeResumed: (id) => resumed.push(id), isOpen: (id) => id < 10 },
      () => 0,
    );
    for (let id = 1; id < 1000; id += 1) signals.pauseExchange(id);
    expect([9, 10].map((id) => signals.isExchangePaused(id))).toEqual([true, false]);
    signals.exchangeEnded(8);
    for (const id of [7, 7, 8, 10]) signals.resumeExchange(id);
    expect(resumed).toEqual([7]);
  });

  it('a flood of signals changes nothing but the last word', () => {
    let changes = 0;
    const pool = new AgentPool<FakeConnection>('agent-1', { onHealth: () => (changes += 1) });
    const connection = fakeReplica('a');
    const nothing = { wake: () => undefined, exchangeResumed: () => undefined, isOpen: () => false };
    const signals = new FlowSignals(pool.add(connection), nothing, () => 0);
    changes = 0;
    for (let i = 0; i < 1000; i += 1) signals.pause();
    expect(changes).toBe(1);
    expect(pool.obstacle()).toBe('paused');
    for (let i = 0; i < 1000; i += 1) signals.resume();
    expect(changes).toBe(2);
    expect(pool.pick()?.connection).toBe(connection);
  });
});
