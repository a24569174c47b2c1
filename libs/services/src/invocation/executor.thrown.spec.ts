import { invocation, testExecutor, valueOf } from '../../testing/test-executor.js';
import { Method } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { AppError } from '../errors.js';
import { steadyNow } from '../runtime/clock.js';
import { Deadlines } from '../runtime/deadlines.js';
import { type Alarm, CallLimits } from './call-limits.js';
import { CODE_HEADER, type InvocationReply, InvocationStatus } from './invocation.js';
import { MethodThrew } from './retries.js';

const refuse = (): never => {
  throw new Error('do not look');
};

/** Throws at whatever is done with it. */
const thorny = (target: object): never =>
  new Proxy(target, { get: refuse, getPrototypeOf: refuse, has: refuse, ownKeys: refuse }) as never;

class Unreadable extends Error {
  override get message(): string {
    throw new Error('the message is a secret');
  }
}

/** A promise that is a query: it runs when somebody waits for it. */
class Query extends Promise<string> {
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }
  override then(): never {
    throw new Error('bad query');
  }
}

/** What a method throws, by the name of the method's input. */
const THROWN: Readonly<Record<string, () => unknown>> = {
  nothing: () => undefined,
  bare: () => Object.create(null) as object,
  symbol: () => Symbol('s'),
  proxy: () => thorny({}),
  error: () => thorny(new Error('hidden')),
  refusal: () => thorny(new AppError('HIDDEN', 'hidden')),
  unreadable: () => new Unreadable(),
  numbered: () => Object.assign(new Error('x'), { message: 42 }),
};

/** What a method returns and fails with. */
const RETURNED: Readonly<Record<string, () => unknown>> = {
  then: () => ({ then: () => refuse() }),
  getter: () => Object.defineProperty({}, 'then', { get: refuse }),
  query: () => new Query(() => undefined),
  builder: () => Object.assign(() => undefined, { then: () => refuse() }),
  proxy: () => thorny({}),
  prototype: () => new Proxy({}, { getPrototypeOf: refuse }),
};

@Service('Sample', { package: 'test' })
class Thrower {
  @Method({ stateless: true, input: 'text' }) throwIt(name: string): never {
    throw THROWN[name]?.();
  }
  @Method({ input: 'text' }) throwItInAnObject(name: string): never {
    throw THROWN[name]?.();
  }
  @Method({ stateless: true, input: 'text' }) returnIt(name: string): unknown {
    return RETURNED[name]?.();
  }
  @Method({ input: 'text' }) returnItInAnObject(name: string): unknown {
    return RETURNED[name]?.();
  }
  @Method({ stateless: true, timeoutMs: 20 }) never(): unknown {
    return { then: (resolve: (value: unknown) => void) => resolve({ then: () => undefined }) };
  }
  @Method({ stateless: true }) lazily(): unknown {
    return { then: (resolve: (value: unknown) => void) => resolve('done') };
  }
}

describe('what a method throws, whatever it is', () => {
  const { executor } = testExecutor([Thrower]);
  const call = (method: string, name = ''): Promise<InvocationReply> =>
    executor.handle(invocation(method, { objectId: 'a', payload: Buffer.from(name) }), 'server');
  const failureOf = async (method: string, name: string): Promise<unknown[]> => {
    const reply = await call(method, name);
    const { error } = valueOf(reply) as { error: { message: unknown } };
    return [reply.status, reply.headers[CODE_HEADER], error.message];
  };

  const unreadable = 'what was thrown cannot be read';
  it.each([
    ['nothing', 'undefined'],
    ['bare', unreadable],
    ['symbol', 'Symbol(s)'],
    ['proxy', unreadable],
    ['error', unreadable],
    ['refusal', unreadable],
    ['unreadable', unreadable],
    ['numbered', '42'],
  ])('is APP_ERROR: %s (B13)', async (name, message) => {
    const expected = [InvocationStatus.APP_ERROR, 'BERTH_SERVICE_METHOD_FAILED', message];
    expect(await failureOf('throwIt', name)).toEqual(expected);
    expect(await failureOf('throwItInAnObject', name)).toEqual(expected);
  });

  it.each(Object.keys(RETURNED))('is APP_ERROR when it comes from what was returned: %s', async (name) => {
    const expected = [InvocationStatus.APP_ERROR, 'BERTH_SERVICE_METHOD_FAILED'];
    const [status, code, message] = await failureOf('returnIt', name);
    expect([status, code]).toEqual(expected);
    expect(message).toMatch(/do not look|bad query/);
    expect((await failureOf('returnItInAnObject', name)).slice(0, 2)).toEqual(expected);
  });

  it('a thenable is waited for to its end, and no longer than its deadline', async () => {
    expect(valueOf(await call('lazily'))).toBe('done');
    expect((await call('never')).headers[CODE_HEADER]).toBe('BERTH_SERVICE_TIMEOUT');
  });

  it('leaves no deadline behind when a promise of its own kind throws', async () => {
    const alarms = new Deadlines<Alarm>(() => undefined);
    const limits = new CallLimits(steadyNow() + 60_000, undefined, alarms);
    const result = Object.assign(Promise.resolve(1), { then: refuse });
    const waited = limits.within(result, 'it', undefined, (thrown) => new MethodThrew(thrown));
    await expect(waited).rejects.toBeInstanceOf(MethodThrew);
    expect(alarms.first).toBeUndefined();
  });
});
