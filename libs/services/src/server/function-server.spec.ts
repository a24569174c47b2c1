import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { jest } from '@jest/globals';
import { silentLog } from '@berth/observability';
import { ServerError } from '../errors.js';
import { OprcCaller, textReply } from '../../testing/oprc-caller.js';
import { FunctionServer } from './function-server.js';
import type { FunctionServerOptions } from './server-options.js';

describe('FunctionServer', () => {
  const made: FunctionServer[] = [];
  const server = (options: FunctionServerOptions = {}): FunctionServer => {
    const it = new FunctionServer((invocation) => Promise.resolve(textReply(invocation, 'hello')), options, silentLog);
    made.push(it);
    return it;
  };
  const answers = async ({ info }: { info: FunctionServer['info'] }): Promise<string> => {
    const caller = new OprcCaller(info().port ?? 0);
    try {
      return (await caller.invokeFn({ clsId: 'a.B', fnId: 'm' })).text;
    } finally {
      caller.close();
    }
  };
  const serving = (it: FunctionServer): Promise<string> => answers({ info: () => it.info() });
  const codeOf = (action: Promise<void>): Promise<string> =>
    action.then(
      () => 'done',
      (error: unknown) => {
        if (!(error instanceof ServerError)) throw error;
        return error.code;
      },
    );

  afterEach(async () => {
    for (const it of made.splice(0)) if (it.isRunning()) await it.stop();
  });

  it('B1: serves when start has resolved; B3: and says so', async () => {
    const it = server();
    expect(it.info()).toEqual({ running: false, port: undefined, mode: 'plaintext' });
    await it.start({ port: 0 });
    expect(it.isRunning()).toBe(true);
    expect(it.info()).toEqual({ running: true, port: expect.any(Number), mode: 'plaintext' });
    expect(await serving(it)).toBe('hello');
  });

  it('B1: a second start fails, and changes nothing', async () => {
    const it = server();
    await it.start({ port: 0 });
    await expect(it.start({ port: 0 })).rejects.toMatchObject({
      name: 'ServerError',
      code: 'BERTH_FUNCTION_SERVER_RUNNING',
      message: 'gRPC server is already running',
    });
    expect(await serving(it)).toBe('hello');
  });

  it('B2: a stop of what does not run fails', async () => {
    const failure = {
      name: 'ServerError',
      code: 'BERTH_FUNCTION_SERVER_NOT_RUNNING',
      message: 'gRPC server is not running',
    };
    const it = server();
    await expect(it.stop()).rejects.toMatchObject(failure);
    await it.start({ port: 0 });
    await it.stop();
    expect(it.info()).toMatchObject({ running: false, port: undefined });
    await expect(it.stop()).rejects.toMatchObject(failure);
  });

  it('B1: a port that is taken fails with its number and what to do, and leaves it not running', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const it = server();
    try {
      const failure = it.start({ port });
      await expect(failure).rejects.toMatchObject({ name: 'ServerError', code: 'BERTH_FUNCTION_SERVER_FAILED' });
      await expect(failure).rejects.toThrow(`port ${port} is taken: stop what listens on it, or choose another port`);
      expect(it.isRunning()).toBe(false);
    } finally {
      holder.close();
      await once(holder, 'close');
    }
    await it.start({ port });
    expect(it.info().port).toBe(port);
  });

  it.each([-1, 65_536, 1.5, NaN])('B1: port %d is out of range', async (port) => {
    const it = server();
    await expect(it.start({ port })).rejects.toMatchObject({ code: 'BERTH_FUNCTION_SERVER_FAILED' });
    expect(it.isRunning()).toBe(false);
  });

  it('B1: a host that is none of this machine', async () => {
    await expect(server().start({ port: 0, host: '203.0.113.1' })).rejects.toThrow(
      'host 203.0.113.1 is no address of this machine',
    );
  });

  it('B1, B4: an empty host is refused, which would be all addresses', async () => {
    const it = server();
    const refused = { code: 'BERTH_SERVICE_INVALID', message: expect.stringContaining('host is empty') };
    await expect(it.start({ port: 0, host: '' })).rejects.toMatchObject(refused);
    expect(it.isRunning()).toBe(false);
    await it.start({ port: 0 });
    await expect(it.restart({ host: '' })).rejects.toMatchObject(refused);
    expect(await serving(it)).toBe('hello');
  });

  it('B4: restarts on the last port, also when it was stopped between', async () => {
    const it = server();
    await it.restart({ port: 0 });
    const { port } = it.info();
    await it.restart();
    expect(it.info().port).toBe(port);
    await it.stop();
    await it.restart();
    expect(it.info().port).toBe(port);
    expect(await serving(it)).toBe('hello');
    await it.restart({ port: 0 });
    expect(await serving(it)).toBe('hello');
  });

  it('B4: restarts on the last host', async () => {
    const log = { ...silentLog, info: jest.fn() };
    const it = new FunctionServer(() => Promise.reject(new Error('not called')), {}, log);
    made.push(it);
    await it.start({ port: 0, host: '127.0.0.2' });
    await it.restart();
    const hosts = log.info.mock.calls.map(([fields]) => (fields as { host?: string }).host).filter(Boolean);
    expect(hosts).toEqual(['127.0.0.2', '127.0.0.2']);
  });

  it.each([Infinity, 2 ** 31, Number.NaN, -1, 1.5])(
    'B2: a stop within %p ms is refused, and it runs on',
    async (timeoutMs) => {
      const it = server();
      await it.start({ port: 0 });
      await expect(it.stop({ timeoutMs })).rejects.toMatchObject({ code: 'BERTH_SERVICE_INVALID' });
      expect(await serving(it)).toBe('hello');
    },
  );

  it('B4: a restart that cannot succeed leaves it running', async () => {
    const it = server();
    await it.start({ port: 0 });
    await expect(it.restart({ port: 70_000 })).rejects.toMatchObject({ code: 'BERTH_FUNCTION_SERVER_FAILED' });
    expect(await serving(it)).toBe('hello');
  });

  it('B1, B2, B4: what is asked for at once happens in turn', async () => {
    const it = server();
    const outcomes = await Promise.all([
      codeOf(it.start({ port: 0 })),
      codeOf(it.start({ port: 0 })),
      codeOf(it.stop()),
      codeOf(it.stop()),
      codeOf(it.restart({ port: 0 })),
      codeOf(it.restart()),
    ]);
    expect(outcomes).toEqual([
      'done',
      'BERTH_FUNCTION_SERVER_RUNNING',
      'done',
      'BERTH_FUNCTION_SERVER_NOT_RUNNING',
      'done',
      'done',
    ]);
    expect(await serving(it)).toBe('hello');
  });

  it('B1: many starts and stops leave nothing behind', async () => {
    const it = server();
    const ports = new Set<number | undefined>();
    for (let i = 0; i < 20; i += 1) {
      await it.restart(i === 0 ? { port: 0 } : {});
      ports.add(it.info().port);
      expect(await serving(it)).toBe('hello');
    }
    expect(ports.size).toBe(1);
  });

  it.each([
    [{ maxConcurrentCalls: 0 }, 'maxConcurrentCalls is 0'],
    [{ maxQueuedCalls: -1 }, 'maxQueuedCalls is -1'],
    [{ maxMessageBytes: 1.5 }, 'maxMessageBytes is 1.5'],
    [{ stopTimeoutMs: NaN }, 'stopTimeoutMs is NaN'],
    [{ maxHeldBytes: 2048, maxMessageBytes: 4096 }, 'maxHeldBytes is 2048: it must be at least maxMessageBytes, 4096'],
    [{ host: '' }, 'host is empty'],
  ])('refuses options out of range: %j', (options, message) => {
    expect(() => server(options)).toThrow(message);
  });
});
