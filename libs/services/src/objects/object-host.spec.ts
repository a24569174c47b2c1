import { setTimeout as sleep } from 'node:timers/promises';
import { invocation, json, testExecutor, valueOf } from '../../testing/test-executor.js';
import { Getter, Method, Setter, State } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { ServicesError } from '../errors.js';
import { CODE_HEADER, InvocationStatus } from '../invocation/invocation.js';
import type { CallContext } from '../invocation/call-context.js';
import { MemoryStore } from './memory-store.js';

const log: string[] = [];
let gate: PromiseWithResolvers<void>;
let made = 0;

@Service('Sample', { package: 'test' })
class Sample {
  @Getter() @Setter() @State() count: number = 0;
  @State() list: number[] = [];
  unsaved = 0;

  constructor() {
    made += 1;
  }

  @Method() async add(by: number, { objectId }: CallContext): Promise<number> {
    log.push(`${objectId} begins ${by}`);
    await sleep(1);
    this.count += by;
    log.push(`${objectId} ends ${by}`);
    return this.count;
  }
  @Method() async wait(_: undefined, { objectId }: CallContext): Promise<void> {
    log.push(`${objectId} waits`);
    await gate.promise;
  }
  @Method({ timeoutMs: 20 }) async late(): Promise<void> {
    this.count = 100;
    await gate.promise;
    this.count = 1000;
  }
  @Method() breaks(): void {
    this.count = -1;
    this.list.push(-1);
    throw new Error('broken');
  }
  @Method({ retryCount: 1, retryDelayMs: 1 }) secondTime(): number {
    this.list.push(this.list.length);
    this.unsaved += 1;
    if (made % 2 === 1) throw new Error('first');
    return this.list.length;
  }
  @Method() unsayable(): void {
    (this as { count: unknown }).count = 1n;
  }
  @Getter() get greedy(): number {
    this.count += 1;
    return this.count;
  }
  @Method({ delivery: 'at-least-once' }) withdraw(amount: number): number {
    this.count -= amount;
    return this.count;
  }
  @Method({ delivery: 'at-least-once' }) deposit(amount: number): number {
    this.count += amount;
    return this.count;
  }
}

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
    await gate.promise;
    this.list.push(text);
    return this.list;
  }
}

describe('ObjectHost', () => {
  beforeEach(() => {
    log.length = 0;
    gate = Promise.withResolvers();
  });

  const count = async ({ call }: Pick<ReturnType<typeof testExecutor>, 'call'>, objectId: string): Promise<unknown> =>
    valueOf(await call('get_count', { objectId }));

  it('keeps the state of each object, and of each partition, apart', async () => {
    const runtime = testExecutor([Sample]);
    const ids = ['7', '18446744073709551615', '18446744073709551614', 'ключ'];
    for (const [i, objectId] of ids.entries()) await runtime.call('add', { objectId, payload: json(i + 1) });
    await runtime.call('add', { objectId: '7', partition: 1, payload: json(50) });
    expect(await Promise.all(ids.map((id) => count(runtime, id)))).toEqual([1, 2, 3, 4]);
    expect(valueOf(await runtime.call('get_count', { objectId: '7', partition: 1 }))).toBe(50);
  });

  it('runs the calls of an object one at a time, in order, and other objects beside them', async () => {
    const runtime = testExecutor([Sample]);
    const waiting = runtime.call('wait', { objectId: 'a' });
    const adds = [1, 2, 3].map((by) => runtime.call('add', { objectId: 'a', payload: json(by) }));
    await runtime.call('add', { objectId: 'b', payload: json(9) });
    expect(log).toEqual(['a waits', 'b begins 9', 'b ends 9']);
    gate.resolve();
    expect(await Promise.all(adds.map(async (add) => valueOf(await add)))).toEqual([1, 3, 6]);
    await waiting;
    expect(log.slice(3)).toEqual(['a begins 1', 'a ends 1', 'a begins 2', 'a ends 2', 'a begins 3', 'a ends 3']);
  });

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
    made = 0;
    expect(valueOf(await runtime.call('secondTime', { objectId: 'r' }))).toBe(1);
  });

  it('a method that is late changes nothing, not even afterwards, and the object goes on', async () => {
    const runtime = testExecutor([Sample]);
    await runtime.call('add', { objectId: 'a', payload: json(5) });
    const late = await runtime.call('late', { objectId: 'a' });
    expect([late.status, late.headers[CODE_HEADER]]).toEqual([InvocationStatus.SYSTEM_ERROR, 'BERTH_SERVICE_TIMEOUT']);
    expect(await count(runtime, 'a')).toBe(5);
    gate.resolve();
    await sleep(1);
    expect(valueOf(await runtime.call('add', { objectId: 'a', payload: json(1) }))).toBe(6);
  });

  it('a call that waits for its object gives up at its deadline, and when its caller leaves', async () => {
    const runtime = testExecutor([Sample]);
    const waiting = runtime.call('wait', { objectId: 'a' });
    const caller = new AbortController();
    const add = invocation('add', { objectId: 'a', payload: json(1) });
    const left = runtime.executor.handle(add, 'server', () => caller.signal);
    const late = runtime.call('add', { objectId: 'a', payload: json(1), deadline: Date.now() + 10 });
    caller.abort();
    expect((await left).headers[CODE_HEADER]).toBe('BERTH_SERVICE_CANCELLED');
    expect((await late).headers[CODE_HEADER]).toBe('BERTH_SERVICE_TIMEOUT');
    gate.resolve();
    await waiting;
    expect(valueOf(await runtime.call('add', { objectId: 'a', payload: json(5) }))).toBe(5);
  });

  it('a call whose deadline passed while it waited is not run', async () => {
    const runtime = testExecutor([Sample]);
    const waiting = runtime.call('wait', { objectId: 'a' });
    const expired = runtime.call('add', { objectId: 'a', payload: json(1), deadline: Date.now() + 5 });
    await sleep(20);
    gate.resolve();
    await waiting;
    expect((await expired).headers[CODE_HEADER]).toBe('BERTH_SERVICE_TIMEOUT');
    expect(log).toEqual(['a waits']);
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
    const carrier = { isCut: false };
    const first = runtime.executor.handle(
      invocation('append', { service, objectId: 'a', payload: Buffer.from('one') }),
      'agent',
      // Its caller had left before.
      Object.assign(() => left.signal, { carrier }),
    );
    carrier.isCut = true;
    gate.resolve();
    expect((await first).headers[CODE_HEADER]).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    const second = invocation('append', { service, objectId: 'a', payload: Buffer.from('two') });
    expect(valueOf(await runtime.executor.handle(second, 'agent', () => left.signal))).toEqual(['two']);
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
    made = 0;
    for (let i = 0; i < 5; i += 1) expect(await count(runtime, 'a')).toBe(7);
    expect(made).toBe(1);
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

  it('bounds the calls that wait for one object', async () => {
    const runtime = testExecutor([Sample], { maxQueuedPerObject: 2 });
    const waiting = [1, 2, 3].map(() => runtime.call('wait', { objectId: 'a' }));
    const refused = await runtime.call('wait', { objectId: 'a' });
    expect([refused.status, refused.headers[CODE_HEADER]]).toEqual([
      InvocationStatus.SYSTEM_ERROR,
      'BERTH_SERVICE_BUSY',
    ]);
    gate.resolve();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([0, 0, 0]);
  });

  it('bounds the objects in memory; those in use stay', async () => {
    const runtime = testExecutor([Sample], { maxActiveObjects: 3 });
    const busy = runtime.call('wait', { objectId: 'busy' });
    for (let i = 0; i < 10; i += 1) await runtime.call('add', { objectId: `o${i}`, payload: json(i) });
    expect(runtime.objects.size).toBe(3);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => runtime.call('add', { objectId: `p${i}`, payload: json(i) })),
    );
    expect(runtime.objects.size).toBe(3);
    expect(await count(runtime, 'o1')).toBe(1);
    gate.resolve();
    expect((await busy).status).toBe(InvocationStatus.OKAY);
  });

  it('forgets an object that is deleted', async () => {
    const runtime = testExecutor([Sample]);
    await runtime.call('add', { objectId: 'a', payload: json(5) });
    const service = runtime.registry.get('test.Sample');
    const key = { service: 'test.Sample', partition: 0, objectId: 'a' };
    expect(service && (await runtime.objects.delete(service, key))).toBe(true);
    expect(service && (await runtime.objects.delete(service, key))).toBe(false);
    expect(await count(runtime, 'a')).toBe(0);
  });
});
