import { jest } from '@jest/globals';
import {
  codeOf,
  HeldHandler,
  invocation,
  later,
  ofObject,
  okay,
  SERVICE,
  subscription,
} from '../../testing/bus/lab.js';
import { MemoryBus } from './memory-bus.js';
import { steadyNow } from '../runtime/clock.js';

describe('MemoryBus', () => {
  let bus: MemoryBus;
  let held: HeldHandler;

  beforeEach(() => {
    jest.useFakeTimers({ now: 1_000_000 });
    bus = new MemoryBus();
    held = new HeldHandler();
  });

  afterEach(async () => {
    await bus.close();
    // B15: nothing that would keep a process or a test alive.
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  const once = (call = invocation(), signal?: AbortSignal) =>
    later(bus.invoke(call, { delivery: 'at-most-once', signal }));
  const atLeastOnce = (call = invocation()) => later(bus.invoke(call, { delivery: 'at-least-once' }));

  it('B15: one timer serves all deadlines, each in its time', async () => {
    await bus.serve(subscription(), held.handle);
    const over: number[] = [];
    const calls = [400, 90_000, 100, 5_000, 100].map((ms) =>
      codeOf(once(ofObject('one', { deadline: steadyNow() + ms }))).then((code) => {
        over.push(ms);
        return code;
      }),
    );
    expect(jest.getTimerCount()).toBe(1);
    await jest.advanceTimersByTimeAsync(99);
    expect(over).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(over).toEqual([100, 100]);
    await jest.advanceTimersByTimeAsync(4_899);
    expect(over).toEqual([100, 100, 400]);
    await jest.advanceTimersByTimeAsync(1);
    expect(over).toEqual([100, 100, 400, 5_000]);
    await jest.advanceTimersByTimeAsync(85_000);
    expect(await Promise.all(calls)).toEqual(Array(5).fill('BERTH_SERVICE_TIMEOUT'));
    expect(held.begun).toHaveLength(1);
  });

  it('a deadline that is no number is refused, and holds up no other', async () => {
    await bus.serve(subscription(), held.handle);
    const good = codeOf(once(invocation({ deadline: steadyNow() + 100 })));
    expect(await codeOf(once(invocation({ deadline: Number.NaN })))).toBe('BERTH_SERVICE_INVALID');
    await jest.advanceTimersByTimeAsync(100);
    expect(await good).toBe('BERTH_SERVICE_TIMEOUT');
  });

  it('the timer goes away soon after the last call', async () => {
    await bus.serve(subscription(), (delivery) => Promise.resolve(okay(delivery)));
    await once();
    expect(jest.getTimerCount()).toBe(1);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it("the caller's abort and the deadline reach the handler's signal, whenever it is asked for", async () => {
    await bus.serve(subscription(), held.handle);
    const leaving = new AbortController();
    const calls = [once(invocation(), leaving.signal), once(invocation(), leaving.signal)];
    const early = held.begun[0]?.signal;
    expect(early?.aborted).toBe(false);
    leaving.abort();
    expect(early?.aborted).toBe(true);
    expect(held.begun[1]?.signal.aborted).toBe(true);
    for (const call of calls) expect(await codeOf(call)).toBe('BERTH_SERVICE_CANCELLED');
    const late = once(invocation({ deadline: steadyNow() + 10 }));
    await jest.advanceTimersByTimeAsync(10);
    expect(await codeOf(late)).toBe('BERTH_SERVICE_TIMEOUT');
    expect(held.begun[2]?.signal.reason).toMatchObject({ code: 'BERTH_SERVICE_TIMEOUT' });
  });

  it('a caller that leaves before the method has begun takes its invocation along', async () => {
    await bus.serve(subscription(), held.handle);
    const leaving = new AbortController();
    const first = once(ofObject('one'));
    const queued = once(ofObject('one'), leaving.signal);
    const last = once(ofObject('one'));
    leaving.abort();
    expect(await codeOf(queued)).toBe('BERTH_SERVICE_CANCELLED');
    held.answer();
    await first;
    await jest.advanceTimersByTimeAsync(0);
    held.answer();
    await last;
    expect(held.begun).toHaveLength(2);
  });

  it('what was begun once is delivered again although its caller has left', async () => {
    const first = await bus.serve(subscription(), held.handle);
    const leaving = new AbortController();
    const call = later(bus.invoke(invocation(), { delivery: 'at-least-once', signal: leaving.signal }));
    await first.stop(0);
    leaving.abort();
    expect(await codeOf(call)).toBe('BERTH_SERVICE_CANCELLED');
    await bus.serve(subscription(), held.handle);
    expect(held.begun.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('what lost its worker and finds no other by its deadline is expired', async () => {
    const agent = await bus.serve(subscription(), held.handle);
    const call = atLeastOnce(invocation({ deadline: steadyNow() + 500 }));
    await agent.stop(0);
    await jest.advanceTimersByTimeAsync(500);
    expect(await codeOf(call)).toBe('BERTH_SERVICE_TIMEOUT');
    await bus.serve(subscription(), held.handle);
    expect(held.begun).toHaveLength(1);
    expect(await bus.deadLetters(SERVICE, 0)).toMatchObject([{ reason: 'expired', attempts: 1 }]);
  });

  it('an agent that leaves while it is at something else hands on what waits for its object', async () => {
    const own = await bus.serve(subscription({ objectId: 'one', concurrency: 1 }), held.handle);
    const other = once();
    const waiting = once(ofObject('one'));
    await bus.serve(subscription({ statelessMethods: [] }), (delivery) => Promise.resolve(okay(delivery)));
    const stopped = own.stop(1_000);
    expect((await waiting).status).toBe(0);
    held.answer();
    await Promise.all([stopped, other]);
  });

  it('a second stop with less patience cuts off earlier', async () => {
    const agent = await bus.serve(subscription(), held.handle);
    const call = once();
    const patient = agent.stop(60_000);
    expect(agent.state).toBe('stopped');
    const hasty = agent.stop(50);
    await jest.advanceTimersByTimeAsync(50);
    await Promise.all([patient, hasty]);
    expect(await codeOf(call)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    expect(held.begun[0]?.signal.aborted).toBe(true);
  });

  it('thousands of queued calls whose handler throws at once do not exhaust the stack', async () => {
    await bus.close();
    bus = new MemoryBus({ maxPendingCalls: 20_000, maxQueuedPerObject: 20_000 });
    await bus.serve(subscription({ concurrency: 1 }), (delivery) => {
      if (held.begun.length === 0) return held.handle(delivery);
      throw new Error('at once');
    });
    const first = once(ofObject('one'));
    const queued = Array.from({ length: 19_999 }, () => once(ofObject('one')));
    held.answer();
    await first;
    const replies = await Promise.all(queued);
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([3]));
  });

  it('a handler may call the bus, and stop its own subscription', async () => {
    const agent = await bus.serve(subscription({ concurrency: 2 }), async (delivery) => {
      if (delivery.invocation.objectId === undefined) return okay(delivery);
      const inner = await once();
      void agent.stop(1_000);
      return { ...okay(delivery), status: inner.status, headers: { inner: inner.invocationId } };
    });
    const reply = await once(ofObject('one'));
    expect(reply.headers['inner']).toMatch(/^call-/);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(agent.state).toBe('stopped');
  });

  it('whoever calls again when the bus is closed is refused', async () => {
    const again: Promise<string>[] = [];
    await bus.serve(subscription(), ({ signal }) => {
      signal.addEventListener('abort', () => again.push(codeOf(once())));
      return new Promise(() => undefined);
    });
    const call = once();
    await bus.close();
    expect(await Promise.all([codeOf(call), ...again])).toEqual(Array(2).fill('BERTH_SERVICE_BUS_UNAVAILABLE'));
  });

  it('a handler that returns no reply is SYSTEM_ERROR', async () => {
    await bus.serve(subscription(), () => Promise.resolve(undefined as never));
    expect((await once()).status).toBe(3);
  });

  it('payloads that wait are bounded in bytes too', async () => {
    await bus.close();
    bus = new MemoryBus({ maxPendingBytes: 10 });
    await bus.serve(subscription(), held.handle);
    const calls = [once(invocation({ payload: Buffer.alloc(4) })), once(invocation({ payload: Buffer.alloc(6) }))];
    expect(await codeOf(once(invocation({ payload: Buffer.alloc(1) })))).toBe('BERTH_SERVICE_BUSY');
    held.answerAll();
    await Promise.all(calls);
    const after = once(invocation({ payload: Buffer.alloc(10) }));
    held.answerAll();
    await after;
  });

  it('dead letters are bounded in bytes too; the newest stays', async () => {
    await bus.close();
    bus = new MemoryBus({ deadLetterBytes: 10 });
    await bus.serve(subscription(), () => Promise.reject(new Error('no')));
    for (const size of [4, 6, 5]) await atLeastOnce(invocation({ payload: Buffer.alloc(size) }));
    const sizes = async () => (await bus.deadLetters(SERVICE, 0)).map((letter) => letter.invocation.payload.length);
    expect(await sizes()).toEqual([5]);
    await atLeastOnce(invocation({ payload: Buffer.alloc(20) }));
    expect(await sizes()).toEqual([20]);
  });

  it('a listed dead letter can be changed without harm', async () => {
    await bus.serve(subscription(), () => Promise.reject(new Error('no')));
    await atLeastOnce(invocation({ payload: Buffer.from([1]) }));
    const [letter] = await bus.deadLetters(SERVICE, 0);
    letter?.invocation.payload.fill(9);
    expect([...((await bus.deadLetters(SERVICE, 0))[0]?.invocation.payload ?? [])]).toEqual([1]);
  });

  it('options of a waiting call are as they were when it was made', async () => {
    await bus.serve(subscription(), held.handle);
    const options = { a: '1' };
    const calls = [once(ofObject('one')), once(ofObject('one', { options }))];
    options.a = '2';
    held.answer();
    await calls[0];
    await jest.advanceTimersByTimeAsync(0);
    expect(held.begun[1]?.invocation.options).toEqual({ a: '1' });
    held.answer();
    await calls[1];
  });

  it('refuses bounds that are none', async () => {
    for (const value of [0, -1, 1.5, NaN, Infinity])
      expect(() => new MemoryBus({ maxPendingCalls: value })).toThrow(
        /maxPendingCalls is .*; it must be a whole number/,
      );
    expect(await codeOf(bus.serve(subscription({ concurrency: 0 }), held.handle))).toBe('BERTH_SERVICE_INVALID');
  });
});
