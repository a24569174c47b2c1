import { Transform } from 'class-transformer';
import { IsInt, IsOptional, IsString, Min } from 'class-validator';
import { invocation, json, testExecutor, valueOf } from '../../testing/test-executor.js';
import { Method } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import type { CallContext } from './call-context.js';
import { CODE_HEADER, InvocationStatus } from './invocation.js';

class Order {
  @IsString() item!: string;
  @IsInt() @Min(1) amount!: number;
}

class Note {
  @IsOptional() @Transform(({ value }: { value: string }) => value.trim()) text?: string;
}

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
    // Nothing is all that it gives.
  }
  @Method({ stateless: true }) cycle(): unknown {
    const value: Record<string, unknown> = {};
    value['self'] = value;
    return value;
  }
  @Method({ stateless: true }) huge(): unknown {
    return { id: 2n ** 64n };
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
}

describe('Executor', () => {
  const { call, executor, registry } = testExecutor([Sample]);

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

  it.each(['cycle', 'huge'])('a result that JSON cannot hold is APP_ERROR: %s', async (method) => {
    expect((await bodyOf(method)).slice(0, 2)).toEqual([InvocationStatus.APP_ERROR, 'BERTH_SERVICE_BAD_RESULT']);
  });

  it('what cannot be checked is the fault of the request, and of nobody else', async () => {
    const window = registry.get('test.Sample')?.window;
    const before = window?.read();
    const deep = `{"item":${'['.repeat(20_000)}${']'.repeat(20_000)},"amount":1}`;
    expect((await bodyOf('order', { payload: Buffer.from(deep) })).slice(0, 2)).toEqual([
      InvocationStatus.INVALID_REQUEST,
      'BERTH_SERVICE_BAD_PAYLOAD',
    ]);
    expect((await bodyOf('note', { payload: json({ text: 7 }) }))[1]).toBe('BERTH_SERVICE_BAD_PAYLOAD');
    expect(window?.read()).toEqual(before);
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
});
