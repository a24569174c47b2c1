import type { BusSubscription } from '../bus/invocation-bus.js';
import { MemoryBus } from '../bus/memory-bus.js';
import { client } from '../client/client.js';
import { Method } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { AgentError, ServerError, ServicesError } from '../errors.js';
import type { CallContext } from '../invocation/call-context.js';
import { Services } from './services.js';

/** What methods wait for. */
class Gate {
  open = (): void => undefined;
  reached = (): void => undefined;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
  readonly begun = new Promise<void>((resolve) => (this.reached = resolve));
}
let gate = new Gate();
const signals: AbortSignal[] = [];

async function held(signal: AbortSignal): Promise<string> {
  signals.push(signal);
  gate.reached();
  await gate.opened;
  return 'ended';
}

@Service('Slow', { package: 'close' })
class Slow {
  @Method({ stateless: true }) wait(_: undefined, { signal }: CallContext): Promise<string> {
    return held(signal);
  }
  @Method({ stateless: true, serveWithAgent: true }) work(_: undefined, { signal }: CallContext): Promise<string> {
    return held(signal);
  }
}

/** A bus whose broker answers when it is told to. */
class SlowBus extends MemoryBus {
  answer = (): void => undefined;
  refuse = (_error: Error): void => undefined;
  readonly #answered = new Promise<void>((resolve, reject) => {
    this.answer = resolve;
    this.refuse = reject;
  });

  override async serve(...args: Parameters<MemoryBus['serve']>): Promise<BusSubscription> {
    await this.#answered;
    return super.serve(...args);
  }
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
};
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (thrown: unknown) => (thrown instanceof ServicesError ? thrown.code : thrown),
  );

beforeEach(() => {
  gate = new Gate();
  signals.splice(0);
});
// What was cut off goes on until it ends, or its time limit.
afterEach(() => gate.open());

describe('close()', () => {
  it('is one, however often it is called', async () => {
    const services = new Services({ mock: true, services: [Slow] });
    await services.startAgent(Slow);
    const closing = services.close();
    expect(services.close()).toBe(closing);
    await closing;
    expect(services.close()).toBe(closing);
  });

  it('lets nothing start afterwards (B1, B4, B5)', async () => {
    const services = new Services({ mock: true, services: [Slow] });
    const closing = services.close();
    for (const when of ['meanwhile', 'afterwards']) {
      await expect(services.startServer()).rejects.toThrow(ServerError);
      await expect(services.restartServer()).rejects.toThrow('these services are closed');
      await expect(services.startAgent(Slow)).rejects.toThrow(AgentError);
      expect([when, await codeOf(services.startAgent(Slow))]).toEqual([when, 'BERTH_SERVICE_INVALID']);
      expect(services.isServerRunning()).toBe(false);
      expect(services.listAgents()).toEqual({});
      await closing;
    }
    expect(await codeOf(services.stopServer())).toBe('BERTH_FUNCTION_SERVER_NOT_RUNNING');
    expect(await codeOf(services.stopAgent('close.Slow'))).toBe('BERTH_OBJECT_AGENT_NOT_RUNNING');
  });

  it('waits for an agent that is stopping: its call ends as it should (B7)', async () => {
    const services = new Services({ mock: true, services: [Slow] });
    await services.startAgent(Slow);
    const call = client(Slow, { services }).work();
    await gate.begun;
    const stopping = services.stopAgent('close.Slow');
    const closing = services.close();
    await turns();
    gate.open();
    expect(await call).toBe('ended');
    await Promise.all([stopping, closing]);
    expect(signals[0]?.aborted).toBe(false);
  });

  it('an agent that is starting does not outlive it (B5)', async () => {
    const bus = new SlowBus();
    const services = new Services({ mock: true, services: [Slow], bus });
    const starting = services.startAgent(Slow);
    const closing = services.close();
    bus.answer();
    await Promise.all([starting, closing]);
    expect(services.listAgents()).toEqual({});
    expect(await codeOf(client(Slow, { bus }).work())).toBe('BERTH_SERVICE_NO_AGENT');
    await bus.close();
  });

  it.each([true, false])('a server that is starting does not outlive it; mock: %s (B1)', async (mock) => {
    const services = new Services({ mock, services: [Slow] });
    const starting = services.startServer({ port: 0 });
    const closing = services.close();
    await Promise.all([starting, closing]);
    expect(services.isServerRunning()).toBe(false);
    expect(services.getServerInfo().port).toBeUndefined();
  });

  it.each([true, false])('a server that is restarting does not outlive it; mock: %s (B4)', async (mock) => {
    const services = new Services({ mock, services: [Slow] });
    await services.startServer({ port: 0 });
    await Promise.all([services.restartServer(), services.close()]);
    expect(services.isServerRunning()).toBe(false);
  });

  it('closes all else when one thing fails, and says what failed', async () => {
    const services = new Services({ mock: true, services: [Slow] });
    services.store.close = () => Promise.reject(new Error('the disk is full'));
    await expect(services.close()).rejects.toThrow('the disk is full');
    expect(services.bus.health().state).toBe('closed');
  });
});

describe('agents that are starting', () => {
  it('stopAllAgents waits for them and stops them (B9)', async () => {
    const bus = new SlowBus();
    const services = new Services({ mock: true, services: [Slow], bus });
    const starting = services.startAgent(Slow);
    const stopping = services.stopAllAgents();
    expect(services.listAgents()['close.Slow']?.state).toBe('stopping');
    bus.answer();
    expect(await starting).toBe('close.Slow');
    await stopping;
    expect(services.listAgents()).toEqual({});
    expect(await codeOf(client(Slow, { bus }).work())).toBe('BERTH_SERVICE_NO_AGENT');
    await Promise.all([services.close(), bus.close()]);
  });

  it('stopAgent does, too; a second one finds nothing to stop (B7)', async () => {
    const bus = new SlowBus();
    const services = new Services({ mock: true, services: [Slow], bus });
    const starting = services.startAgent(Slow);
    const stopping = services.stopAgent('close.Slow');
    expect(await codeOf(services.stopAgent('close.Slow'))).toBe('BERTH_OBJECT_AGENT_NOT_RUNNING');
    expect(await codeOf(services.startAgent(Slow))).toBe('BERTH_OBJECT_AGENT_RUNNING');
    bus.answer();
    await Promise.all([starting, stopping]);
    expect(await services.startAgent(Slow)).toBe('close.Slow');
    await Promise.all([services.close(), bus.close()]);
  });

  it('a start that fails is told to its caller; there is nothing to stop then (B7, B9)', async () => {
    const bus = new SlowBus();
    const services = new Services({ mock: true, services: [Slow], bus });
    const codes = Promise.all([
      codeOf(services.startAgent(Slow)),
      codeOf(services.stopAgent('close.Slow')),
      codeOf(services.stopAllAgents()),
      codeOf(services.close()),
    ]);
    bus.refuse(new Error('the broker is away'));
    expect(await codes).toEqual(['BERTH_OBJECT_AGENT_FAILED', 'BERTH_OBJECT_AGENT_NOT_RUNNING', undefined, undefined]);
    await bus.close();
  });

  it('stopAllAgents waits for one that is stopping (B9)', async () => {
    const services = new Services({ mock: true, services: [Slow] });
    await services.startAgent(Slow);
    const call = client(Slow, { services }).work();
    await gate.begun;
    const ends: string[] = [];
    const stopping = services.stopAgent('close.Slow').then(() => ends.push('one'));
    const all = services.stopAllAgents().then(() => ends.push('all'));
    await turns();
    expect(ends).toEqual([]);
    gate.open();
    expect(await call).toBe('ended');
    await Promise.all([stopping, all]);
    await services.close();
  });
});

describe('an agent whose bus was closed', () => {
  it("is 'stopped', and the next start takes its place (B5, B8)", async () => {
    const bus = new MemoryBus();
    const services = new Services({ mock: true, services: [Slow], bus });
    await services.startAgent(Slow);
    await bus.close();
    expect(services.listAgents()['close.Slow']?.state).toBe('stopped');
    expect(services.health().agents).toEqual({ stopped: 1 });
    // The bus stays closed, so that this one fails, but not with RUNNING.
    expect(await codeOf(services.startAgent(Slow))).toBe('BERTH_OBJECT_AGENT_FAILED');
    await services.close();
  });

  it('can be started again, and stopped', async () => {
    const bus = new MemoryBus();
    const services = new Services({ mock: true, services: [Slow], bus });
    let state: BusSubscription['state'] = 'stopped';
    const serve = bus.serve.bind(bus);
    bus.serve = async (...args) => {
      const subscription = await serve(...args);
      return { state, stop: (timeoutMs) => subscription.stop(timeoutMs) };
    };
    await services.startAgent(Slow);
    state = 'running';
    expect(await services.startAgent(Slow)).toBe('close.Slow');
    expect(services.listAgents()['close.Slow']?.state).toBe('running');
    await services.stopAgent('close.Slow');
    state = 'stopped';
    await services.startAgent(Slow);
    await services.stopAgent('close.Slow');
    expect(services.listAgents()).toEqual({});
    await services.close();
    await bus.close();
  });
});

describe.each([
  ['mock', true],
  ['real', false],
])('calls of this process at a %s server (B2, B15)', (_name, mock) => {
  let services: Services;

  beforeEach(async () => {
    services = new Services({ mock, services: [Slow] });
    await services.startServer({ port: 0 });
  });
  afterEach(() => services.close());

  it.each(['stopServer', 'close'] as const)('%s() lets them end', async (stop) => {
    const slow = client(Slow, { services });
    const call = slow.wait();
    await gate.begun;
    let stopped = false;
    const stopping = services[stop]().then(() => (stopped = true));
    await turns();
    expect(stopped).toBe(false);
    expect(services.getServerInfo()).toMatchObject({ running: false, port: undefined });
    expect(await codeOf(slow.wait())).toBe('BERTH_SERVICE_UNREACHABLE');
    gate.open();
    expect(await call).toBe('ended');
    await stopping;
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });

  it('stopServer() cuts them off after timeoutMs', async () => {
    const call = codeOf(client(Slow, { services }).wait());
    await gate.begun;
    await services.stopServer({ timeoutMs: 5 });
    expect(await call).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    expect(signals[0]?.aborted).toBe(true);
    await services.startServer({ port: 0 });
    gate.open();
    expect(await client(Slow, { services }).wait()).toBe('ended');
  });

  it.each([-1, Number.NaN, Infinity])('a timeoutMs of %d is refused, and cuts nothing off', async (timeoutMs) => {
    const call = client(Slow, { services }).wait();
    await gate.begun;
    expect(await codeOf(services.stopServer({ timeoutMs }))).toBe('BERTH_SERVICE_INVALID');
    expect(services.isServerRunning()).toBe(true);
    gate.open();
    expect(await call).toBe('ended');
  });

  it.each([0, 1, 2, 3, 4])('none slips in while a stop begins, %d turns after it was asked for', async (wait) => {
    const ends: string[] = [];
    const stopping = services.stopServer().then(() => ends.push('stopped'));
    for (let i = 0; i < wait; i += 1) await Promise.resolve();
    const call = codeOf(client(Slow, { services }).wait());
    const came = signals.length > 0;
    await turns();
    if (came) expect(ends).toEqual([]);
    gate.open();
    expect(await call).toBe(came ? 'ended' : 'BERTH_SERVICE_UNREACHABLE');
    await stopping;
  });

  it('restartServer() takes nothing from them (B4)', async () => {
    const call = client(Slow, { services }).wait();
    await gate.begun;
    await services.restartServer();
    gate.open();
    expect(await call).toBe('ended');
  });

  it('starts and stops that come at once happen one after the other', async () => {
    const call = client(Slow, { services }).wait();
    await gate.begun;
    const steps = [
      services.stopServer(),
      codeOf(services.stopServer()),
      services.startServer({ port: 0 }),
      services.close(),
    ];
    await turns();
    expect(services.isServerRunning()).toBe(false);
    gate.open();
    expect((await Promise.all(steps))[1]).toBe('BERTH_FUNCTION_SERVER_NOT_RUNNING');
    expect(await call).toBe('ended');
    expect(services.isServerRunning()).toBe(false);
  });
});

describe('stopTimeoutMs', () => {
  it.each(['stopServer', 'close'] as const)('is what %s() lets calls of this process have', async (stop) => {
    const services = new Services({ mock: true, services: [Slow], server: { stopTimeoutMs: 5 } });
    await services.startServer();
    const call = codeOf(client(Slow, { services }).wait());
    await gate.begun;
    await services[stop]();
    expect(await call).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    await services.close();
  });
});
