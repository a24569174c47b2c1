import { setTimeout as sleep } from 'node:timers/promises';
import { invocation, json, testExecutor, valueOf } from '../../testing/test-executor.js';
import { Method } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { AppError, ServicesError } from '../errors.js';
import { MemoryStore } from '../objects/memory-store.js';
import { steadyNow, systemTime } from '../runtime/clock.js';
import type { CallContext } from './call-context.js';
import { CODE_HEADER, InvocationStatus } from './invocation.js';

let runs = 0;
let making: () => object | Promise<object> = () => new Made();
let context: CallContext | undefined;

@Service('Sample', { package: 'test' })
class Sample {
  @Method({ stateless: true }) double(value: number): number {
    return value * 2;
  }
  @Method({ stateless: true }) throws(): never {
    throw new RangeError('out of apples');
  }
  @Method({ stateless: true }) throwsText(): never {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- some do
    throw 'just text';
  }
  @Method({ stateless: true }) refuses(): Promise<never> {
    return Promise.reject(new AppError('SOLD_OUT', 'no apples', { left: 0 }));
  }
  @Method({ stateless: true, timeoutMs: 20 }) hangs(_: undefined, call: CallContext): Promise<string> {
    context = call;
    return new Promise(() => call.signal);
  }
  @Method({ stateless: true, retryCount: 2, retryDelayMs: 1 }) flaky(good: number): string {
    runs += 1;
    if (runs < good) throw new Error(`run ${runs}`);
    return `run ${runs}`;
  }
  @Method({ stateless: true, retryCount: 5, retryDelayMs: 1 }) outcome(): string {
    runs += 1;
    throw new AppError('NO', 'no');
  }
  @Method({ stateless: true, retryCount: 5, retryDelayMs: 60_000 }) slowRetry(): string {
    runs += 1;
    throw new Error('again');
  }
  @Method() ofAnObject(_: undefined, call: CallContext): string {
    return call.objectId ?? 'none';
  }
  @Method({ stateless: true, retryCount: 5, retryDelayMs: 20 }) neverWell(): never {
    runs += 1;
    throw new Error('again');
  }
  @Method({ stateless: true, delivery: 'at-least-once' }) once(): number {
    return ++runs;
  }
}

@Service('Made', { package: 'test' })
class Made {
  @Method({ stateless: true, timeoutMs: 50 }) hello(): string {
    return 'hello';
  }
  @Method({ timeoutMs: 50 }) ofAnObject(): string {
    return 'object';
  }
}

describe('Executor', () => {
  const { call, executor, registry } = testExecutor([Sample]);

  beforeEach(() => {
    runs = 0;
  });

  const bodyOf = async (method: string, more = {}): Promise<[number, string | undefined, unknown]> => {
    const reply = await call(method, more);
    return [reply.status, reply.headers[CODE_HEADER], valueOf(reply)];
  };

  it('a throw is APP_ERROR with the original message, and the next call is served (B13, B16)', async () => {
    expect(await bodyOf('throws')).toEqual([
      InvocationStatus.APP_ERROR,
      'BERTH_SERVICE_METHOD_FAILED',
      { error: { code: 'BERTH_SERVICE_METHOD_FAILED', message: 'out of apples', details: { name: 'RangeError' } } },
    ]);
    expect(await bodyOf('throwsText')).toMatchObject([
      InvocationStatus.APP_ERROR,
      expect.anything(),
      { error: { message: 'just text' } },
    ]);
    expect(await bodyOf('refuses')).toEqual([
      InvocationStatus.APP_ERROR,
      'BERTH_SERVICE_REFUSED',
      { error: { code: 'SOLD_OUT', message: 'no apples', details: { left: 0 } } },
    ]);
    expect(valueOf(await call('double', { payload: json(1) }))).toBe(2);
  });

  it('a method that hangs is SYSTEM_ERROR at its timeout, and its signal is aborted', async () => {
    expect((await bodyOf('hangs')).slice(0, 2)).toEqual([InvocationStatus.SYSTEM_ERROR, 'BERTH_SERVICE_TIMEOUT']);
    expect(context?.signal.aborted).toBe(true);
    expect(context?.attempt).toBe(1);
  });

  it("the caller's deadline counts where it is earlier", async () => {
    const deadline = steadyNow() + 5;
    expect((await bodyOf('hangs', { deadline }))[1]).toBe('BERTH_SERVICE_TIMEOUT');
    // Whole ms of two clocks, of which one may have been set since this process began.
    expect(Math.abs((context?.deadline ?? 0) - systemTime(deadline))).toBeLessThanOrEqual(1);
  });

  it('runs again as retryCount says (B16)', async () => {
    expect(valueOf(await call('flaky', { payload: json(3) }))).toBe('run 3');
  });

  it('retries used up: the error says after how many attempts (B16)', async () => {
    const [status, , body] = await bodyOf('flaky', { payload: json(9) });
    expect(status).toBe(InvocationStatus.APP_ERROR);
    expect(body).toMatchObject({ error: { message: 'failed after 3 attempts: run 3', details: { attempts: 3 } } });
  });

  it('an AppError is an outcome and is not retried; nor is what cannot be ready by the deadline', async () => {
    await call('outcome');
    expect(runs).toBe(1);
    expect((await bodyOf('slowRetry'))[2]).toMatchObject({ error: { message: 'again' } });
    expect(runs).toBe(2);
  });

  it('a stateless at-least-once call with a key known before is answered from memory', async () => {
    const first = await call('once', { idempotencyKey: 'k1' });
    const again = await call('once', { idempotencyKey: 'k1' });
    expect([valueOf(first), valueOf(again), valueOf(await call('once', { idempotencyKey: 'k2' }))]).toEqual([1, 1, 2]);
    expect(again.invocationId).not.toBe(first.invocationId);
  });

  it('a key of more than 256 bytes is refused, whatever carried it', async () => {
    expect(valueOf(await call('once', { idempotencyKey: 'é'.repeat(128) }))).toBe(1);
    for (const idempotencyKey of ['', 'é'.repeat(129)])
      expect((await bodyOf('once', { idempotencyKey })).slice(0, 2)).toEqual([
        InvocationStatus.INVALID_REQUEST,
        'BERTH_SERVICE_BAD_PAYLOAD',
      ]);
    expect(runs).toBe(1);
  });

  it('retries end when the caller leaves', async () => {
    const caller = new AbortController();
    const reply = executor.handle(invocation('neverWell'), 'server', caller);
    caller.abort();
    expect((await reply).headers[CODE_HEADER]).toBe('BERTH_SERVICE_CANCELLED');
    expect(runs).toBe(1);
  });

  it('a method does not begin after its deadline because the store was slow', async () => {
    const store = new MemoryStore();
    const slow = testExecutor([Sample], { store });
    store.load = async () => {
      await sleep(30);
      return { version: 0 };
    };
    store.recallReply = () => sleep(30, undefined);
    const deadline = Date.now() + 10;
    const late = [
      slow.call('ofAnObject', { objectId: 'a', deadline }),
      slow.call('once', { idempotencyKey: 'k', deadline }),
    ];
    for (const reply of await Promise.all(late)) expect(reply.headers[CODE_HEADER]).toBe('BERTH_SERVICE_TIMEOUT');
    expect(runs).toBe(0);
  });

  describe('an instance that is not made', () => {
    const service = 'test.Made';
    const make = testExecutor([Made], { create: () => making() });

    it('is not waited for beyond the deadline, and the next call asks again', async () => {
      making = () => new Promise(() => undefined);
      const hanging = [make.call('hello', { service }), make.call('ofAnObject', { service, objectId: 'a' })];
      for (const reply of await Promise.all(hanging)) expect(reply.headers[CODE_HEADER]).toBe('BERTH_SERVICE_TIMEOUT');
      making = () => Promise.resolve(new Made());
      expect(valueOf(await make.call('hello', { service }))).toBe('hello');
      expect(valueOf(await make.call('ofAnObject', { service, objectId: 'a' }))).toBe('object');
    });

    it('is a fault of the system, whose text stays here', async () => {
      making = () => {
        throw new Error('the password is wrong');
      };
      const reply = await make.call('ofAnObject', { service, objectId: 'b' });
      expect([reply.status, reply.headers[CODE_HEADER]]).toEqual([InvocationStatus.SYSTEM_ERROR, 'BERTH_INTERNAL']);
      expect(JSON.stringify(valueOf(reply))).not.toContain('password');
    });
  });

  it('an AppError does not count against the health of a service (B17)', async () => {
    const stats = registry.get('test.Sample')?.members.get('refuses')?.stats;
    const before = stats?.window.read();
    await call('refuses');
    expect(stats?.window.read()).toEqual({ ...before, calls: (before?.calls ?? 0) + 1 });
    expect(stats?.byStatus[InvocationStatus.APP_ERROR]).toBeGreaterThan(0);
  });

  it('counts calls by status (B17)', async () => {
    const stats = registry.get('test.Sample')?.members.get('double')?.stats;
    const before = [...(stats?.byStatus ?? [])];
    await call('double', { payload: json(1) });
    await call('double', { payload: json('x') });
    expect(stats?.byStatus).toEqual([(before[0] ?? 0) + 1, (before[1] ?? 0) + 1, 0, 0]);
    expect(stats?.inFlight).toBe(0);
  });

  it('a reply that the store cannot keep is the method’s fault, not that of the request: it has run', async () => {
    const store = new MemoryStore();
    store.rememberReply = () => Promise.reject(new ServicesError('BERTH_SERVICE_PAYLOAD_TOO_LARGE', 'too large'));
    const reply = await testExecutor([Sample], { store }).call('once', { idempotencyKey: 'k' });
    expect([reply.status, reply.headers[CODE_HEADER], runs]).toEqual([
      ...[InvocationStatus.APP_ERROR, 'BERTH_SERVICE_BAD_RESULT', 1],
    ]);
  });
});
