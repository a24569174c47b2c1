import { Writable } from 'node:stream';
import { pino } from 'pino';
import { client } from '../client/client.js';
import { Method, State } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { AppError, InvocationError } from '../errors.js';
import { Services } from '../runtime/services.js';

let lazily: () => unknown = () => undefined;

@Service('Logged', { package: 'test' })
class Logged {
  @State() kept: unknown = null;

  @Method({ stateless: true }) fine(): string {
    return 'fine';
  }
  @Method({ stateless: true }) typo(input: { readonly card: string }): string {
    return (input as unknown as { readonly missing: { readonly name: string } }).missing.name;
  }
  @Method({ stateless: true }) wraps(input: { readonly card: string }): never {
    const cause = Object.assign(new RangeError('no route'), { config: { data: input } });
    throw Object.assign(new Error('the bank is away', { cause }), { request: input });
  }
  @Method({ stateless: true }) throwsData(input: { readonly card: string }): never {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- some do
    throw input;
  }
  @Method({ stateless: true }) refuses(): never {
    throw new AppError('SOLD_OUT', 'no apples');
  }
  @Method({ stateless: true, retryCount: 2, retryDelayMs: 1 }) retries(): never {
    throw new Error('again');
  }
  @Method({ stateless: true }) cycle(): unknown {
    const value: Record<string, unknown> = {};
    value['self'] = value;
    return value;
  }
  @Method({ stateless: true }) big(): unknown {
    return { list: [{ id: 2n ** 64n }] };
  }
  @Method({ stateless: true }) lazy(): unknown {
    return lazily();
  }
  @Method({ stateless: true }) ratio(): number {
    return 0 / 0;
  }
  @Method() keep(): void {
    this.kept = 1n;
  }
  @Method({ stateless: true }) large(): string {
    return 'x'.repeat(5000);
  }
}

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly err: { readonly message: string; readonly stack: string; readonly name?: string };
  readonly invocationId: string;
  readonly service: string;
  readonly method: string;
  readonly code: string;
}

describe('the log of calls', () => {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const log = pino({ level: 'info' }, sink);
  const services = new Services({ mock: true, services: [Logged], log });
  const caller = client(Logged, { services });
  const card = '4111-1111';

  beforeAll(() => services.startServer());
  afterAll(() => services.close());
  beforeEach(() => {
    lines.length = 0;
  });

  const failureOf = async (call: Promise<unknown>): Promise<InvocationError> => {
    const thrown: unknown = await call.catch((error: unknown) => error);
    if (!(thrown instanceof InvocationError)) throw new Error('it did not fail', { cause: thrown });
    return thrown;
  };
  const onlyLine = (): Line => {
    expect(lines).toHaveLength(1);
    return JSON.parse(lines[0] ?? '') as Line;
  };

  it('has the stack of what a method threw, and which call it was', async () => {
    const failure = await failureOf(caller.typo({ card }));
    expect(failure.message).toContain("reading 'name'");
    const { err, ...line } = onlyLine();
    expect(line).toMatchObject({ level: 50, msg: 'a method failed', service: 'test.Logged', method: 'typo' });
    expect(line.code).toBe('BERTH_SERVICE_METHOD_FAILED');
    expect(line.invocationId).not.toBe('');
    expect(err.name).toBe('TypeError');
    expect(err.stack).toMatch(/^TypeError: Cannot read properties.*\n +at .*failure-log\.spec/);
  });

  it('has the causes, and no payloads that hang on errors or are thrown', async () => {
    await failureOf(caller.wraps({ card }));
    expect(onlyLine().err.stack).toMatch(/^Error: the bank is away\n(.*\n)+caused by: RangeError: no route\n/);
    await failureOf(caller.throwsData({ card }));
    expect(lines).toHaveLength(2);
    expect(lines.join('')).not.toContain(card);
  });

  it('is silent about what goes well, an AppError, and mistakes of callers', async () => {
    await caller.fine();
    await failureOf(caller.refuses());
    await expect(client(Logged, { services }).keep()).rejects.toThrow('belongs to an object');
    expect(lines).toEqual([]);
  });

  it('has one line for a method that used up its retries', async () => {
    expect((await failureOf(caller.retries())).message).toBe('failed after 3 attempts: again');
    expect(onlyLine().err.message).toBe('again');
  });

  it.each([
    ['cycle', /^the result of 'cycle' cannot be written as JSON: .*property 'self'/, 'circular'],
    ['big', /^the result of 'big' cannot be written as JSON: .*BigInt.* \(field 'id'\)$/, 'BigInt'],
    ['ratio', /^the result of 'ratio' cannot be written as JSON: NaN has no JSON$/, 'NaN'],
  ] as const)('has the cause of a bad result, and the caller learns the method: %s', async (method, text, cause) => {
    const failure = await failureOf(caller[method]());
    expect([failure.status, failure.code]).toEqual(['APP_ERROR', 'BERTH_SERVICE_BAD_RESULT']);
    expect(failure.message).toMatch(text);
    const line = onlyLine();
    expect([line.method, line.code]).toEqual([method, 'BERTH_SERVICE_BAD_RESULT']);
    expect(line.err.message).toContain(cause);
  });

  it.each([Number.NaN, Infinity, -Infinity])('%s is no result', async (value) => {
    lazily = () => Promise.resolve(value);
    expect((await failureOf(caller.lazy())).message).toContain(`${value} has no JSON`);
    lazily = () => ({ value });
    expect(await caller.lazy()).toEqual({ value: null });
  });

  it('has the cause of a state that cannot be written', async () => {
    await failureOf(caller.object('a').keep());
    expect(onlyLine()).toMatchObject({ method: 'keep', code: 'BERTH_SERVICE_BAD_RESULT' });
    expect(lines[0]).toContain('BigInt');
  });

  it('has the result that was too large for the wire', async () => {
    const wired = new Services({ services: [Logged], log, server: { maxMessageBytes: 2000 } });
    await wired.startServer({ port: 0 });
    const remote = client(Logged, { address: `127.0.0.1:${wired.getServerInfo().port ?? 0}` });
    try {
      lines.length = 0;
      const failure = await failureOf(remote.large());
      expect(failure.message).toMatch(/^the result of 'large' makes a reply of \d+ bytes/);
      expect(onlyLine()).toMatchObject({ method: 'large', service: 'test.Logged', code: 'BERTH_SERVICE_BAD_RESULT' });
    } finally {
      await remote.close();
      await wired.close();
    }
  });

  it('that fails costs no reply', async () => {
    const broken = Object.create(log) as typeof log;
    broken.error = () => {
      throw new Error('disk full');
    };
    const other = new Services({ mock: true, services: [Logged], log: broken });
    await other.startServer();
    const failure = await failureOf(client(Logged, { services: other }).retries());
    expect(failure.code).toBe('BERTH_SERVICE_METHOD_FAILED');
    await other.close();
  });
});
