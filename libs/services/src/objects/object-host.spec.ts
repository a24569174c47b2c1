import { setTimeout as sleep } from 'node:timers/promises';
import { count, Sample } from '../../testing/sample-object.js';
import { invocation, json, testExecutor, valueOf } from '../../testing/test-executor.js';
import { CODE_HEADER, InvocationStatus } from '../invocation/invocation.js';

const { log } = Sample;

describe('ObjectHost', () => {
  beforeEach(() => Sample.begin());

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
    Sample.gate.resolve();
    expect(await Promise.all(adds.map(async (add) => valueOf(await add)))).toEqual([1, 3, 6]);
    await waiting;
    expect(log.slice(3)).toEqual(['a begins 1', 'a ends 1', 'a begins 2', 'a ends 2', 'a begins 3', 'a ends 3']);
  });

  it('a method that is late changes nothing, not even afterwards, and the object goes on', async () => {
    const runtime = testExecutor([Sample]);
    await runtime.call('add', { objectId: 'a', payload: json(5) });
    const late = await runtime.call('late', { objectId: 'a' });
    expect([late.status, late.headers[CODE_HEADER]]).toEqual([InvocationStatus.SYSTEM_ERROR, 'BERTH_SERVICE_TIMEOUT']);
    expect(await count(runtime, 'a')).toBe(5);
    Sample.gate.resolve();
    await sleep(1);
    expect(valueOf(await runtime.call('add', { objectId: 'a', payload: json(1) }))).toBe(6);
  });

  it('a call that waits for its object gives up at its deadline, and when its caller leaves', async () => {
    const runtime = testExecutor([Sample]);
    const waiting = runtime.call('wait', { objectId: 'a' });
    const caller = new AbortController();
    const add = invocation('add', { objectId: 'a', payload: json(1) });
    const left = runtime.executor.handle(add, 'server', caller);
    const late = runtime.call('add', { objectId: 'a', payload: json(1), deadline: Date.now() + 10 });
    caller.abort();
    expect((await left).headers[CODE_HEADER]).toBe('BERTH_SERVICE_CANCELLED');
    expect((await late).headers[CODE_HEADER]).toBe('BERTH_SERVICE_TIMEOUT');
    Sample.gate.resolve();
    await waiting;
    expect(valueOf(await runtime.call('add', { objectId: 'a', payload: json(5) }))).toBe(5);
  });

  it('a call whose deadline passed while it waited is not run', async () => {
    const runtime = testExecutor([Sample]);
    const waiting = runtime.call('wait', { objectId: 'a' });
    const expired = runtime.call('add', { objectId: 'a', payload: json(1), deadline: Date.now() + 5 });
    await sleep(20);
    Sample.gate.resolve();
    await waiting;
    expect((await expired).headers[CODE_HEADER]).toBe('BERTH_SERVICE_TIMEOUT');
    expect(log).toEqual(['a waits']);
  });

  it('bounds the calls that wait for one object', async () => {
    const runtime = testExecutor([Sample], { maxQueuedPerObject: 2 });
    const waiting = [1, 2, 3].map(() => runtime.call('wait', { objectId: 'a' }));
    const refused = await runtime.call('wait', { objectId: 'a' });
    expect([refused.status, refused.headers[CODE_HEADER]]).toEqual([
      InvocationStatus.SYSTEM_ERROR,
      'BERTH_SERVICE_BUSY',
    ]);
    Sample.gate.resolve();
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
    Sample.gate.resolve();
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
