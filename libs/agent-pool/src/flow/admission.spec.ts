import { jest } from '@jest/globals';
import { BerthError } from '@berth/errors';
import { type FakeConnection, fakeReplica } from '../../testing/fake-connection.js';
import { Admission, type AdmissionOptions, AgentPool, type Entrant, type Member, MemberSignals } from '../index.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

const shutdown = new BerthError('BERTH_DRAINING', 'shutting down');

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
  const made = (): void => {
    admission.roomMade();
    jest.advanceTimersByTime(0);
  };
  const signals = new MemberSignals(member, made, () => performance.now());
  const enter = (key = 'client') => {
    const client = new Client();
    return { client, ticket: admission.enter(key, client) };
  };
  const end = (): void => {
    connection.inFlight -= 1;
    made();
  };
  return { admission, pool, connection, signals, enter, end, made };
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
    admission.refuseAll(shutdown);
    expect(last.client.outcome).toBe('BERTH_DRAINING');
  });

  it('tells those who come behind its end why, and not that nobody is there', () => {
    const { admission, pool, connection, enter } = make();
    admission.close(shutdown);
    pool.remove(connection);
    expect(enter().client.outcome).toBe('BERTH_DRAINING');
  });

  it('waits for nothing where nobody is there, and where nobody may wait', () => {
    const { admission, pool, connection, enter } = make({ maxWaiting: 1 });
    enter();
    enter();
    expect(enter().client.outcome).toBe('BERTH_AGENT_BUSY');
    admission.refuseAll(shutdown);
    pool.remove(connection);
    expect(enter().client.outcome).toBe('BERTH_AGENT_UNAVAILABLE');
  });

  it('C7: fail closed is an error at once, and counted', () => {
    const { admission, signals, enter } = make();
    signals.pauseAsked(true);
    expect(enter().client.outcome).toBe('BERTH_AGENT_BUSY');
    signals.pauseAsked(false);
    expect(enter().client.outcome).toBe('began');
    expect(admission.flowRejections).toBe(1);
  });

  it('C7: fail open goes on, and is counted', () => {
    const { admission, signals, enter } = make({ mode: 'failOpen' });
    signals.pauseAsked(true);
    const { client } = enter();
    expect([client.outcome, client.member?.health.state]).toEqual(['began', 'paused']);
    expect(enter().client.outcome).toBe('BERTH_AGENT_BUSY');
    expect(admission.flowRejections).toBe(2);
  });

  it('C7: wait and retry begins when the agent resumes, and fails after its time', () => {
    const { admission, signals, enter } = make({ mode: 'waitAndRetry' }, 2);
    signals.pauseAsked(true);
    const first = enter();
    jest.advanceTimersByTime(99);
    signals.pauseAsked(false);
    expect(first.client.outcome).toBe('began');
    signals.pauseAsked(true);
    const second = enter();
    jest.advanceTimersByTime(100);
    expect(second.client.outcome).toBe('BERTH_AGENT_BUSY');
    expect(admission.flowRejections).toBe(1);
  });

  it('C7: Capacity bounds what is begun, and who waits begins when it grows', () => {
    const { enter, connection, made } = make({}, 0);
    const clients = [enter(), enter(), enter()];
    expect(connection.inFlight).toBe(0);
    connection.capacity = 2;
    made();
    expect(clients.map(({ client }) => client.outcome)).toEqual(['began', 'began', 'waits']);
    jest.advanceTimersByTime(1000);
    expect(clients[2]?.client.outcome).toBe('BERTH_AGENT_BUSY');
  });
});

describe('what an agent asks for (C7)', () => {
  it('a flood of signals changes nothing but the last word', () => {
    let changes = 0;
    const pool = new AgentPool<FakeConnection>('agent-1', { onHealth: () => (changes += 1) });
    const connection = fakeReplica('a');
    const signals = new MemberSignals(
      pool.add(connection),
      () => undefined,
      () => 0,
    );
    changes = 0;
    for (let i = 0; i < 1000; i += 1) signals.pauseAsked(true);
    expect(changes).toBe(1);
    expect(pool.obstacle()).toBe('paused');
    for (let i = 0; i < 1000; i += 1) signals.pauseAsked(false);
    expect(changes).toBe(2);
    expect(pool.pick()?.connection).toBe(connection);
  });

  it('C13, C16: a late ping and a report of its own count, and their end as well', () => {
    const pool = new AgentPool<FakeConnection>('agent-1');
    const member = pool.add(fakeReplica('a'));
    let rooms = 0;
    const signals = new MemberSignals(
      member,
      () => (rooms += 1),
      () => 0,
    );
    signals.pingLate(true);
    expect(member.health.state).not.toBe('healthy');
    signals.pingLate(false);
    expect(member.health.state).toBe('healthy');
    signals.healthReported('unhealthy', 'x'.repeat(100_000));
    expect([member.health.state, member.health.reason.length < 300]).toEqual(['unhealthy', true]);
    signals.healthReported('healthy', '');
    expect([member.health.state, rooms]).toEqual(['healthy', 2]);
  });
});
