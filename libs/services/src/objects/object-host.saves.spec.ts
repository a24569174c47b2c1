import { count, Sample } from '../../testing/sample-object.js';
import { invocation, json, testExecutor, valueOf } from '../../testing/test-executor.js';
import { Method, State } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { ServicesError } from '../errors.js';
import { CODE_HEADER, InvocationStatus } from '../invocation/invocation.js';
import { MemoryStore } from './memory-store.js';

const letOn: PromiseWithResolvers<void> = Promise.withResolvers();

@Service('Lossy', { package: 'test' })
class Lossy {
  @State() private readonly since = new Date(0);

  @Method() touch(): string {
    return this.since.toISOString();
  }
}

@Service('AgentsOnly', { package: 'test' })
class AgentsOnly {
  @State() private readonly list: string[] = [];

  @Method({ serveWithAgent: true }) async append(text: string): Promise<string[]> {
    await letOn.promise;
    this.list.push(text);
    return this.list;
  }
}

describe('ObjectHost', () => {
  it('a method that throws changes nothing', async () => {
    const runtime = testExecutor([Sample]);
    await runtime.call('add', { objectId: 'a', payload: json(5) });
    expect((await runtime.call('breaks', { objectId: 'a' })).status).toBe(InvocationStatus.APP_ERROR);
    expect(await count(runtime, 'a')).toBe(5);
    expect(
      JSON.parse((await runtime.store.load({ service: 'test.Sample', partition: 0, objectId: 'a' })).state ?? ''),
    ).toEqual({
      count: 5,
      list: [],
    });
  });

  it('each retry starts from the saved state', async () => {
    const runtime = testExecutor([Sample]);
    Sample.made = 0;
    expect(valueOf(await runtime.call('secondTime', { objectId: 'r' }))).toBe(1);
  });

  it('two writers with one store lose no update', async () => {
    const store = new MemoryStore();
    const one = testExecutor([Sample], { store, conflictRetries: 100 });
    const other = testExecutor([Sample], { store, conflictRetries: 100 });
    const add = (i: number) => (i % 2 ? one : other).call('add', { objectId: 'a', payload: json(1) });
    const replies = await Promise.all(Array.from({ length: 100 }, (_, i) => add(i)));
    expect(replies.filter(({ status }) => status !== InvocationStatus.OKAY)).toEqual([]);
    expect([await count(one, 'a'), await count(other, 'a')]).toEqual([100, 100]);
  });

  it('a writer that is always too late says so, and saves nothing', async () => {
    const store = new MemoryStore();
    const slow = testExecutor([Sample], { store, conflictRetries: 1 });
    const load = store.load.bind(store);
    const key = { service: 'test.Sample', partition: 0, objectId: 'a' };
    // Somebody saves between each load and the save that follows it.
    store.load = async (...args) => {
      const stored = await load(...args);
      await store.save(key, stored.version, `{"count":${stored.version}}`);
      return stored;
    };
    const reply = await slow.call('add', { objectId: 'a', payload: json(1000) });
    expect([reply.status, reply.headers[CODE_HEADER]]).toEqual([
      InvocationStatus.SYSTEM_ERROR,
      'BERTH_SERVICE_STATE_CONFLICT',
    ]);
    expect((await load(key)).state).toBe('{"count":1}');
  });

  it('what a bus has cut off is not saved', async () => {
    const runtime = testExecutor([AgentsOnly]);
    const service = 'test.AgentsOnly';
    const left = new AbortController();
    left.abort(new ServicesError('BERTH_SERVICE_CANCELLED', 'the caller has left'));
    // Its caller had left before.
    const carrier = { signal: left.signal, isCut: false };
    const first = runtime.executor.handle(
      invocation('append', { service, objectId: 'a', payload: Buffer.from('one') }),
      'agent',
      carrier,
    );
    carrier.isCut = true;
    letOn.resolve();
    expect((await first).headers[CODE_HEADER]).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    const second = invocation('append', { service, objectId: 'a', payload: Buffer.from('two') });
    expect(valueOf(await runtime.executor.handle(second, 'agent', left))).toEqual(['two']);
  });

  it('getters save nothing, setters do', async () => {
    const runtime = testExecutor([Sample]);
    await runtime.call('set_count', { objectId: 'a', payload: json(4) });
    expect(valueOf(await runtime.call('get_greedy', { objectId: 'a' }))).toBe(5);
    expect(valueOf(await runtime.call('get_greedy', { objectId: 'a' }))).toBe(5);
    expect(await count(runtime, 'a')).toBe(4);
    expect((await runtime.call('set_count', { objectId: 'a', payload: json('4') })).status).toBe(
      InvocationStatus.INVALID_REQUEST,
    );
  });

  it("state that JSON cannot hold is the method's fault, and is not kept", async () => {
    const runtime = testExecutor([Sample]);
    const reply = await runtime.call('unsayable', { objectId: 'a' });
    expect([reply.status, reply.headers[CODE_HEADER]]).toEqual([
      InvocationStatus.APP_ERROR,
      'BERTH_SERVICE_BAD_RESULT',
    ]);
    expect(await count(runtime, 'a')).toBe(0);
  });

  it('an idempotency key takes effect once, also in another process', async () => {
    const store = new MemoryStore();
    const one = testExecutor([Sample], { store });
    const other = testExecutor([Sample], { store });
    const call = { objectId: 'a', payload: json(10), idempotencyKey: 'k' };
    const both = await Promise.all([one.call('deposit', call), other.call('deposit', call)]);
    expect(both.map(valueOf)).toEqual([10, 10]);
    expect(valueOf(await other.call('deposit', call))).toBe(10);
    expect(await count(one, 'a')).toBe(10);
  });

  it('an idempotency key counts for one method', async () => {
    const runtime = testExecutor([Sample]);
    const call = { objectId: 'a', payload: json(10), idempotencyKey: 'order-1' };
    expect(valueOf(await runtime.call('deposit', call))).toBe(10);
    expect(valueOf(await runtime.call('withdraw', call))).toBe(0);
    expect(valueOf(await runtime.call('deposit', call))).toBe(10);
    expect(await count(runtime, 'a')).toBe(0);
  });

  it('a field that the class gained since a state was saved costs nothing', async () => {
    const runtime = testExecutor([Sample]);
    const key = { service: 'test.Sample', partition: 0, objectId: 'a' };
    await runtime.store.save(key, 0, '{"count":7,"gone":true}');
    Sample.made = 0;
    for (let i = 0; i < 5; i += 1) expect(await count(runtime, 'a')).toBe(7);
    expect(Sample.made).toBe(1);
    expect((await runtime.store.load(key)).version).toBe(1);
  });

  it('state that JSON loses is refused when the first object is made', async () => {
    const runtime = testExecutor([Lossy]);
    const reply = await runtime.call('touch', { service: 'test.Lossy', objectId: 'a' });
    expect(reply.status).toBe(InvocationStatus.SYSTEM_ERROR);
    expect(valueOf(reply)).toMatchObject({
      error: { code: 'BERTH_SERVICE_INVALID', message: expect.stringContaining('Lossy.since is a Date') },
    });
  });
});
