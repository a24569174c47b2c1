import { jest } from '@jest/globals';
import { type FakeConnection, fakeReplica } from '../../testing/fake-connection.js';
import { AgentPool, Dialler, type DiallerOptions, endpointOf } from '../index.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function make(options: Partial<DiallerOptions> = {}) {
  const pool = new AgentPool<FakeConnection>('agent-1');
  const state = { up: true, upFrom: Infinity, hangs: false, attempts: 0, atOnce: 0, most: 0 };
  const made: FakeConnection[] = [];
  const dial = async (signal: AbortSignal): Promise<FakeConnection> => {
    state.attempts += 1;
    state.atOnce += 1;
    state.most = Math.max(state.most, state.atOnce);
    try {
      if (state.hangs)
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
      await Promise.resolve();
      if (!state.up && state.attempts < state.upFrom) throw new Error('connect ECONNREFUSED');
    } finally {
      state.atOnce -= 1;
    }
    const connection = fakeReplica(`d${state.attempts}`);
    made.push(connection);
    return connection;
  };
  // Waits are as long as they may be.
  const dialler = new Dialler(pool, dial, { connections: 3, random: () => 1, ...options });
  return { pool, dialler, state, made };
}

describe('connections that the pool dials', () => {
  it('C4: none at all is an error, and nothing goes on in the background', async () => {
    const { pool, dialler, state } = make();
    state.up = false;
    const message = 'Failed to create any connections to agent agent-1: connect ECONNREFUSED';
    await expect(dialler.start()).rejects.toThrow(message);
    await jest.advanceTimersByTimeAsync(60_000);
    expect([state.attempts, pool.all.length]).toEqual([3, 0]);
  });

  it('C4: some may fail, and are dialled again', async () => {
    const { pool, dialler, state } = make();
    const started = dialler.start();
    state.up = false;
    state.upFrom = 2;
    await started;
    expect([state.attempts, pool.all.length]).toEqual([3, 2]);
    await jest.advanceTimersByTimeAsync(500);
    expect([state.attempts, pool.all.length]).toEqual([4, 3]);
    dialler.stop();
    expect(pool.all).toEqual([]);
  });

  it('C4, C13: what is missing comes in the background, one attempt at a time', async () => {
    const { pool, dialler, state, made } = make();
    await dialler.start();
    state.up = false;
    for (const connection of made) expect(dialler.lost(connection)).toBe(true);
    expect(pool.all).toEqual([]);
    await jest.advanceTimersByTimeAsync(0);
    expect(state.attempts).toBe(4);
    state.up = true;
    await jest.advanceTimersByTimeAsync(499);
    expect(state.attempts).toBe(4);
    await jest.advanceTimersByTimeAsync(10);
    expect([pool.all.length, state.most, dialler.count]).toEqual([3, 1, 3]);
    dialler.stop();
  });

  it('C13: one attempt at a time, whatever is lost while it is under way', async () => {
    const { dialler, state, made } = make();
    await dialler.start();
    state.hangs = true;
    const lost = made.splice(0);
    dialler.lost(lost[0] as FakeConnection);
    await jest.advanceTimersByTimeAsync(10);
    dialler.lost(lost[1] as FakeConnection);
    await jest.advanceTimersByTimeAsync(1000);
    expect([state.attempts, state.most]).toEqual([4, 1]);
    state.hangs = false;
    await jest.advanceTimersByTimeAsync(10_000);
    expect([dialler.count, state.most]).toEqual([3, 1]);
    dialler.stop();
  });

  it('C13: attempts count anew after a success, waits grow until then, and it gives up after the last', async () => {
    const { dialler, state, made } = make({ connections: 1, maxAttempts: 3 });
    await dialler.start();
    for (let round = 0; round < 4; round += 1) {
      state.up = false;
      dialler.lost(made.at(-1) as FakeConnection);
      await jest.advanceTimersByTimeAsync(0);
      await jest.advanceTimersByTimeAsync(500);
      state.up = true;
      await jest.advanceTimersByTimeAsync(999);
      expect(dialler.count).toBe(0);
      await jest.advanceTimersByTimeAsync(1);
      expect([dialler.count, dialler.problem]).toEqual([1, '']);
    }
    state.up = false;
    const before = state.attempts;
    dialler.lost(made.at(-1) as FakeConnection);
    await jest.advanceTimersByTimeAsync(3_600_000);
    expect([state.attempts - before, dialler.gaveUp, dialler.problem]).toEqual([3, true, 'connect ECONNREFUSED']);
    state.up = true;
    dialler.redial();
    await jest.advanceTimersByTimeAsync(0);
    expect(dialler.count).toBe(1);
    dialler.stop();
  });

  it('C1: an attempt has its time, and one that comes too late is closed', async () => {
    const { dialler, state } = make({ connections: 1 });
    state.hangs = true;
    const started = expect(dialler.start()).rejects.toThrow('not connected within 5000 ms');
    await jest.advanceTimersByTimeAsync(5000);
    await started;

    const late = Promise.withResolvers<FakeConnection>();
    const pool = new AgentPool<FakeConnection>('agent-1');
    const deaf = new Dialler(pool, () => late.promise, { connections: 1 });
    const failed = expect(deaf.start()).rejects.toThrow('Failed to create any connections to agent agent-1');
    deaf.stop();
    const connection = fakeReplica('late');
    late.resolve(connection);
    await failed;
    await Promise.resolve();
    expect([connection.closed, pool.all.length]).toEqual([true, 0]);
  });

  it('C13: those that dialled in are never dialled', async () => {
    const { pool, dialler, state } = make({ connections: 1 });
    const visitor = fakeReplica('visitor');
    pool.add(visitor);
    await dialler.start();
    expect(dialler.lost(visitor)).toBe(false);
    await jest.advanceTimersByTimeAsync(60_000);
    expect([state.attempts, pool.all.includes(visitor)]).toEqual([1, true]);
    dialler.stop();
    expect(pool.all).toEqual([visitor]);
  });
});

describe('C3: where an agent is that the pool dials', () => {
  it.each([
    ['unix:/run/agent.sock', { transport: 'unix', path: '/run/agent.sock' }],
    ['unix:agent', { transport: 'unix', path: 'agent' }],
    ['/run/agent', { transport: 'unix', path: '/run/agent' }],
    ['run/agent.sock', { transport: 'unix', path: 'run/agent.sock' }],
    ['localhost:50051', { transport: 'grpc', target: 'localhost:50051' }],
    ['dns:///agents.example:443', { transport: 'grpc', target: 'dns:///agents.example:443' }],
  ])('%s', (text, endpoint) => {
    expect(endpointOf(text)).toEqual(endpoint);
  });
});
