import { Transform } from 'class-transformer';
import { IsInt, IsOptional, IsString, Min } from 'class-validator';
import { setTimeout as sleep } from 'node:timers/promises';
import { invocation, json, testExecutor, valueOf } from '../../testing/test-executor.js';
import { Method } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { AppError } from '../errors.js';
import type { CallContext } from './call-context.js';
import { CODE_HEADER, InvocationStatus } from './invocation.js';
import { MemoryStore } from '../objects/memory-store.js';

class Order {
  @IsString() item!: string;
  @IsInt() @Min(1) amount!: number;
}

class Note {
  @IsOptional() @Transform(({ value }: { value: string }) => value.trim()) text?: string;
}

let runs = 0;
let making: () => object | Promise<object> = () => new Made();
let context: CallContext | undefined;

@Service('Sample', { package: 'test' })
class Sample {
  @Method({ stateless: true }) upper(text: string): string {
    return text.toUpperCase();
  }
  @Method({ stateless: true }) reverse(bytes: Uint8Array): Uint8Array {
    return bytes.toReversed();
  }
  @Method({ stateless: true }) double(value: number): number {
    return value * 2;
  }
  @Method({ stateless: true }) not(value: boolean): boolean {
    return !value;
  }
  @Method({ stateless: true }) echo(value: unknown): unknown {
    return value;
  }
  @Method({ stateless: true }) order(order: Order): string {
    return `${order.amount} x ${order.item} ${order instanceof Order}`;
  }
  @Method({ stateless: true }) nothing(): void {
    runs += 1;
  }
  @Method({ stateless: true }) throws(): never {
    throw new RangeError('out of apples');
  }
  @Method({ stateless: true }) throwsText(): never {
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    throw 'just text';
  }
  @Method({ stateless: true }) refuses(): Promise<never> {
    return Promise.reject(new AppError('SOLD_OUT', 'no apples', { left: 0 }));
  }
  @Method({ stateless: true }) cycle(): unknown {
    const value: Record<string, unknown> = {};
    value['self'] = value;
    return value;
  }
  @Method({ stateless: true }) huge(): unknown {
    return { id: 2n ** 64n };
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
  @Method({ stateless: true, serveWithAgent: true }) agentOnly(): string {
    return 'agent';
  }
  @Method() ofAnObject(_: undefined, call: CallContext): string {
    return call.objectId ?? 'none';
  }
  @Method({ stateless: true }) note(note: Note): string {
    return note.text ?? '';
  }
  @Method({ stateless: true }) greet(name = 'World'): string {
    return `Hello ${name}`;
  }
  @Method({ stateless: true, input: 'text' }) greetByName(name = 'World'): string {
    return `Hello ${name}`;
  }
  @Method({ stateless: true }) hex(bytes: Buffer): string {
    return bytes.toString('hex');
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

  it('reads strings, bytes, numbers, booleans, JSON and DTOs, and writes them back (B13)', async () => {
    expect(valueOf(await call('upper', { payload: Buffer.from('straße') }))).toBe('STRASSE');
    expect(valueOf(await call('reverse', { payload: Uint8Array.of(0, 255, 128) }))).toEqual(Uint8Array.of(128, 255, 0));
    expect(valueOf(await call('double', { payload: json(21) }))).toBe(42);
    expect(valueOf(await call('not', { payload: json(false) }))).toBe(true);
    expect(valueOf(await call('echo', { payload: json({ a: [1, null, 'x'] }) }))).toEqual({ a: [1, null, 'x'] });
    expect(valueOf(await call('order', { payload: json({ item: 'apple', amount: 3 }) }))).toBe('3 x apple true');
    const { status, payload } = await call('nothing');
    expect([status, payload]).toEqual([InvocationStatus.OKAY, undefined]);
  });

  it('a string travels as it is, other results as JSON', async () => {
    expect(Buffer.from((await call('upper', { payload: Buffer.from('"a"') })).payload ?? []).toString()).toBe('"A"');
    expect(Buffer.from((await call('double', { payload: json(2) })).payload ?? []).toString()).toBe('4');
  });

  it.each([
    ['an unknown class', 'upper', { service: 'test.None' }, 'BERTH_SERVICE_NOT_FOUND', "no service 'test.None'"],
    ['an unknown function', 'none', {}, 'BERTH_SERVICE_METHOD_NOT_FOUND', "no method 'none'"],
    ['what every object has', 'toString', {}, 'BERTH_SERVICE_METHOD_NOT_FOUND', "no method 'toString'"],
    [
      'text that is no UTF-8',
      'upper',
      { payload: Uint8Array.of(0xff) },
      'BERTH_SERVICE_BAD_PAYLOAD',
      'not valid UTF-8',
    ],
    ['JSON that is none', 'echo', { payload: Buffer.from('{') }, 'BERTH_SERVICE_BAD_PAYLOAD', 'it is not JSON'],
    ['another type', 'double', { payload: json('2') }, 'BERTH_SERVICE_BAD_PAYLOAD', 'it must be a number'],
    ['no number at all', 'double', {}, 'BERTH_SERVICE_BAD_PAYLOAD', 'it is empty'],
    ['a list for a DTO', 'order', { payload: json([]) }, 'BERTH_SERVICE_BAD_PAYLOAD', 'it must be a JSON object'],
    ['an empty DTO', 'order', {}, 'BERTH_SERVICE_BAD_PAYLOAD', 'it is empty'],
    ['no object', 'ofAnObject', {}, 'BERTH_SERVICE_WRONG_ENTRY', 'belongs to an object'],
    ['a bad object id', 'ofAnObject', { objectId: 'a/b' }, 'BERTH_SERVICE_BAD_OBJECT_ID', "'/'"],
  ])('%s is INVALID_REQUEST (B13)', async (_what, method, more, code, text) => {
    const [status, header, body] = await bodyOf(method, more);
    expect([status, header]).toEqual([InvocationStatus.INVALID_REQUEST, code]);
    expect(body).toMatchObject({ error: { code, message: expect.stringContaining(text) } });
  });

  it('names every problem of a DTO, and refuses what it does not know', async () => {
    const [status, , body] = await bodyOf('order', { payload: json({ item: 1, amount: 0, more: true }) });
    expect(status).toBe(InvocationStatus.INVALID_REQUEST);
    const { error } = body as { error: { details: { problems: string[] } } };
    expect(error.details.problems).toEqual([
      'property more should not exist',
      'item must be a string',
      'amount must not be less than 1',
    ]);
  });

  it("a DTO's payload cannot reach a prototype", async () => {
    const payload = Buffer.from('{"item":"a","amount":1,"__proto__":{"polluted":true}}');
    expect((await call('order', { payload })).status).toBeLessThanOrEqual(InvocationStatus.INVALID_REQUEST);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('serves a method where it belongs, and nowhere else (B6)', async () => {
    const [status, code, body] = await bodyOf('agentOnly');
    expect([status, code]).toEqual([InvocationStatus.INVALID_REQUEST, 'BERTH_SERVICE_WRONG_ENTRY']);
    expect(body).toMatchObject({ error: { message: "'agentOnly' is served by agents: call it over the bus" } });
    expect(valueOf(await executor.handle(invocation('agentOnly'), 'agent'))).toBe('agent');
    expect((await executor.handle(invocation('upper'), 'agent')).status).toBe(InvocationStatus.INVALID_REQUEST);
  });

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

  it.each(['cycle', 'huge'])('a result that JSON cannot hold is APP_ERROR: %s', async (method) => {
    expect((await bodyOf(method)).slice(0, 2)).toEqual([InvocationStatus.APP_ERROR, 'BERTH_SERVICE_BAD_RESULT']);
  });

  it('a method that hangs is SYSTEM_ERROR at its timeout, and its signal is aborted', async () => {
    expect((await bodyOf('hangs')).slice(0, 2)).toEqual([InvocationStatus.SYSTEM_ERROR, 'BERTH_SERVICE_TIMEOUT']);
    expect(context?.signal.aborted).toBe(true);
    expect(context?.attempt).toBe(1);
  });

  it("the caller's deadline counts where it is earlier", async () => {
    const started = Date.now();
    expect((await bodyOf('hangs', { deadline: started + 5 }))[1]).toBe('BERTH_SERVICE_TIMEOUT');
    expect(context?.deadline).toBe(started + 5);
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

  it('what cannot be checked is the fault of the request, and of nobody else', async () => {
    const deep = `{"item":${'['.repeat(20_000)}${']'.repeat(20_000)},"amount":1}`;
    expect((await bodyOf('order', { payload: Buffer.from(deep) })).slice(0, 2)).toEqual([
      InvocationStatus.INVALID_REQUEST,
      'BERTH_SERVICE_BAD_PAYLOAD',
    ]);
    expect((await bodyOf('note', { payload: json({ text: 7 }) }))[1]).toBe('BERTH_SERVICE_BAD_PAYLOAD');
    expect(registry.get('test.Sample')?.members.get('note')?.stats.window.read().errors).toBe(0);
  });

  it('a number that no double holds is refused', async () => {
    expect((await bodyOf('double', { payload: Buffer.from('1e999') }))[1]).toBe('BERTH_SERVICE_BAD_PAYLOAD');
  });

  it('an input that may be left out is left out, so that its default value counts', async () => {
    expect(valueOf(await call('greet'))).toBe('Hello World');
    expect(valueOf(await call('greetByName'))).toBe('Hello World');
    expect(valueOf(await call('greetByName', { payload: Buffer.from('Ann') }))).toBe('Hello Ann');
  });

  it('a Buffer is a Buffer', async () => {
    expect(valueOf(await call('hex', { payload: Uint8Array.of(1, 254) }))).toBe('01fe');
  });

  it('retries end when the caller leaves', async () => {
    const caller = new AbortController();
    const reply = executor.handle(invocation('neverWell'), 'server', () => caller.signal);
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
    await call('refuses');
    expect(stats?.window.read().errors).toBe(0);
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
});
