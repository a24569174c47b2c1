import { client } from '../client/client.js';
import { Getter, Method, State } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { AgentError, ServerError, ServicesError } from '../errors.js';
import type { CallContext } from '../invocation/call-context.js';
import { ServiceObject } from './service-object.js';
import { Services } from './services.js';

@Service('Worker', { package: 'test' })
class Worker extends ServiceObject {
  @Getter({ serveWithAgent: true }) @State() done = 0;

  @Method({ serveWithAgent: true }) work(by: number): number {
    this.done += by;
    return this.done;
  }
  @Method({ serveWithAgent: true, stateless: true }) ping(): string {
    return 'pong';
  }
  @Method() who(): string {
    return this.objectId ?? 'nobody';
  }
  @Method({ stateless: true }) where(_: undefined, { partition }: CallContext): number {
    return partition;
  }
}

@Service('ServerOnly', { package: 'test' })
class ServerOnly {
  @Method({ stateless: true }) hello(): string {
    return 'hello';
  }
}

class Undecorated extends ServiceObject {}

describe('Services, in mock mode (B15)', () => {
  let services: Services;

  beforeEach(() => {
    services = new Services({ mock: true, services: [Worker, ServerOnly] });
  });
  afterEach(() => services.close());

  const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'done',
      (thrown: unknown) => (thrown instanceof ServicesError ? thrown.code : thrown),
    );

  describe('the function server', () => {
    it('runs or does not, and says so (B1 to B4)', async () => {
      expect(services.getServerInfo()).toEqual({
        ...{ running: false, port: undefined, mode: 'mock', mockMode: true, registeredServices: 2 },
      });
      await expect(services.stopServer()).rejects.toThrow('gRPC server is not running');
      await services.startServer({ port: 9000 });
      await expect(services.startServer()).rejects.toThrow(ServerError);
      await expect(services.startServer()).rejects.toThrow('gRPC server is already running');
      expect(services.getServerInfo()).toMatchObject({ running: true, port: 9000 });
      await services.stopServer();
      await services.restartServer();
      expect(services.getServerInfo().port).toBe(9000);
      await services.restartServer({ port: 9001 });
      expect(services.getServerInfo().port).toBe(9001);
      await expect(services.restartServer({ port: 99_999 })).rejects.toThrow(ServerError);
      expect(services.getServerInfo()).toMatchObject({ running: true, port: 9001 });
      await services.stopServer();
      await services.startServer();
      expect(services.getServerInfo().port).toBe(8080);
    });

    it.each([-1, 65_536, 99_999, 1.5, Number.NaN])('refuses port %d like a real one (B1, B15)', async (port) => {
      await expect(services.startServer({ port })).rejects.toThrow(ServerError);
      expect(await codeOf(services.startServer({ port }))).toBe('BERTH_FUNCTION_SERVER_FAILED');
      expect(await codeOf(services.restartServer({ port }))).toBe('BERTH_FUNCTION_SERVER_FAILED');
      expect(services.isServerRunning()).toBe(false);
    });

    it('says a port for "any free one", too (B15)', async () => {
      await services.startServer({ port: 0 });
      expect(services.getServerInfo().port).toBe(8080);
      await services.restartServer();
      expect(services.getServerInfo().port).toBe(8080);
    });

    it('has checked options in mock mode, too', () => {
      expect(() => new Services({ mock: true, services: [], server: { stopTimeoutMs: -1 } })).toThrow(
        'stopTimeoutMs is -1',
      );
    });

    it('serves a client of this process, once it runs', async () => {
      const hello = client(ServerOnly, { services });
      expect(await codeOf(hello.hello())).toBe('BERTH_SERVICE_UNREACHABLE');
      await services.startServer();
      expect(await hello.hello()).toBe('hello');
    });
  });

  describe('startAgent', () => {
    it('gives ids of service, object and partition; the same twice is refused (B5)', async () => {
      expect(await services.startAgent(Worker)).toBe('test.Worker');
      expect(await services.startAgent(Worker, { objectId: '7' })).toBe('test.Worker:7');
      expect(await services.startAgent(Worker, { objectId: 2n ** 64n - 1n })).toBe('test.Worker:18446744073709551615');
      expect(await services.startAgent(Worker, { objectId: '7', partitionId: 3 })).toBe('test.Worker:7@3');
      await expect(services.startAgent(Worker, { objectId: 7n })).rejects.toThrow(
        'Agent test.Worker:7 is already running',
      );
      await expect(services.startAgent(Worker)).rejects.toThrow(AgentError);
    });

    it('two starts at once: one runs', async () => {
      const starts = [services.startAgent(Worker), services.startAgent(Worker)];
      expect((await Promise.allSettled(starts)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    });

    it('refuses what cannot be an agent', async () => {
      await expect(services.startAgent(Undecorated)).rejects.toThrow('Service class Undecorated not registered');
      await expect(services.startAgent(Undecorated)).rejects.toThrow(AgentError);
      await expect(services.startAgent(ServerOnly)).rejects.toThrow('mark a method with serveWithAgent');
      expect(await codeOf(services.startAgent(Worker, { objectId: 7 as never }))).toBe('BERTH_SERVICE_BAD_OBJECT_ID');
      expect(await codeOf(services.startAgent(Worker, { objectId: 2n ** 64n }))).toBe('BERTH_SERVICE_BAD_OBJECT_ID');
      expect(await codeOf(services.startAgent(Worker, { objectId: 'a/b' }))).toBe('BERTH_SERVICE_BAD_OBJECT_ID');
      expect(await codeOf(services.startAgent(Worker, { partitionId: -1 }))).toBe('BERTH_SERVICE_INVALID');
      expect(await codeOf(services.startAgent(Worker, { concurrency: 0 }))).toBe('BERTH_SERVICE_INVALID');
      expect(services.listAgents()).toEqual({});
    });

    it('no object id means every object (B5)', async () => {
      await services.startAgent(Worker);
      const workers = client(Worker, { services });
      expect([await workers.object('a').work(1), await workers.object('b').work(2), await workers.ping()]).toEqual([
        1,
        2,
        'pong',
      ]);
      expect(await workers.object('a').done()).toBe(1);
    });

    it('an agent of one object serves that object and the stateless methods', async () => {
      await services.startAgent(Worker, { objectId: 'a' });
      const workers = client(Worker, { services });
      expect([await workers.object('a').work(1), await workers.ping()]).toEqual([1, 'pong']);
      expect(await codeOf(workers.object('b').work(1))).toBe('BERTH_SERVICE_NO_AGENT');
      expect(await codeOf(workers.object('a', { partition: 1 }).work(1))).toBe('BERTH_SERVICE_NO_AGENT');
    });

    it('server and agents do not need each other (B6, B10)', async () => {
      const workers = client(Worker, { services });
      await services.startAgent(Worker);
      expect(await workers.object('a').work(1)).toBe(1);
      expect(await codeOf(workers.object('a').who())).toBe('BERTH_SERVICE_UNREACHABLE');
      await services.startServer();
      expect(await workers.object('a').who()).toBe('a');
      expect(await workers.with({ partition: 4 }).where()).toBe(4);
      await services.stopAgent('test.Worker');
      expect(await workers.object('a').who()).toBe('a');
      expect(await codeOf(workers.object('a').work(1))).toBe('BERTH_SERVICE_NO_AGENT');
      await services.startAgent(Worker);
      await services.stopServer();
      expect(await workers.object('a').work(1)).toBe(2);
    });
  });

  describe('stopAgent (B7)', () => {
    it('takes an id, or service, object and partition', async () => {
      await services.startAgent(Worker);
      await services.startAgent(Worker, { objectId: '7', partitionId: 3 });
      await services.stopAgent({ service: Worker, objectId: 7n, partitionId: 3 });
      expect(Object.keys(services.listAgents())).toEqual(['test.Worker']);
      await services.stopAgent('test.Worker');
      expect(services.listAgents()).toEqual({});
    });

    it('refuses what does not run', async () => {
      await expect(services.stopAgent('test.Worker')).rejects.toThrow('Agent test.Worker is not running');
      await expect(services.stopAgent({})).rejects.toThrow('name the agent by its id or by its service');
      await expect(services.stopAgent({ service: Undecorated })).rejects.toThrow(
        'Service class Undecorated not registered',
      );
      await expect(services.stopAgent({})).rejects.toThrow(AgentError);
    });

    it('twice at once: the second finds nothing to stop', async () => {
      await services.startAgent(Worker);
      const stops = [services.stopAgent('test.Worker'), services.stopAgent('test.Worker')];
      expect((await Promise.allSettled(stops)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      expect(await services.startAgent(Worker)).toBe('test.Worker');
    });
  });

  it('lists agents (B8)', async () => {
    await services.startAgent(Worker, { objectId: '7' });
    expect(services.listAgents()).toEqual({
      'test.Worker:7': {
        ...{ serviceName: 'Worker', package: 'test', objectId: '7', partitionId: 0, state: 'running' },
        startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        runningDuration: expect.stringMatching(/^PT\d+\.\d{3}S$/),
      },
    });
  });

  it('stopAllAgents goes on past a failure and reports it (B9)', async () => {
    const serve = services.bus.serve.bind(services.bus);
    services.bus.serve = async (subscription, handler) => {
      const served = await serve(subscription, handler);
      if (subscription.objectId !== 'b') return served;
      return {
        state: 'running',
        stop: async (timeoutMs) => {
          await served.stop(timeoutMs);
          throw new Error('the broker said no');
        },
      };
    };
    for (const objectId of ['a', 'b', 'c']) await services.startAgent(Worker, { objectId });
    const failure: unknown = await services.stopAllAgents().catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(AgentError);
    expect(failure).toMatchObject({
      code: 'BERTH_OBJECT_AGENT_FAILED',
      details: { failures: { 'test.Worker:b': 'Failed to stop agent test.Worker:b: the broker said no' } },
    });
    expect(services.listAgents()).toEqual({});
  });

  it('classes and objects start and stop their own agents (B11)', async () => {
    expect(await Worker.startAgent()).toBe('test.Worker');
    expect(await Worker.startAgent({ objectId: '1', partitionId: 2 })).toBe('test.Worker:1@2');
    const seven = Worker.instance(7n);
    expect(seven.objectId).toBe('7');
    expect(await seven.startInstanceAgent()).toBe('test.Worker:7');
    expect(Object.keys(services.listAgents())).toEqual(['test.Worker', 'test.Worker:1@2', 'test.Worker:7']);
    await seven.stopInstanceAgent();
    await Worker.stopAgent({ objectId: '1', partitionId: 2 });
    await Worker.stopAgent();
    expect(services.listAgents()).toEqual({});
    expect(() => new Worker().startInstanceAgent()).toThrow('take one with Worker.instance(objectId)');
    await expect(Undecorated.startAgent()).rejects.toThrow('Service class Undecorated not registered');
  });

  it('errors have message, code, details and timestamp (B12)', async () => {
    const thrown: unknown = await services.stopServer().catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(ServicesError);
    expect(thrown).toMatchObject({
      ...{ name: 'ServerError', code: 'BERTH_FUNCTION_SERVER_NOT_RUNNING', message: 'gRPC server is not running' },
      details: {},
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  it('two classes of one id are refused, and so is one that is not decorated', () => {
    @Service('Worker', { package: 'test' })
    class Other {}
    expect(() => new Services({ mock: true, services: [Worker, Other] })).toThrow("are called 'test.Worker'");
    expect(() => new Services({ mock: true, services: [Undecorated] })).toThrow(
      'Service class Undecorated not registered',
    );
    expect(() => new Services({ agentConcurrency: 0 })).toThrow('agentConcurrency is 0');
  });

  describe('deleteObject', () => {
    it('deletes an object', async () => {
      await services.startAgent(Worker);
      const seven = client(Worker, { services }).object('7');
      await seven.work(3);
      expect(await services.deleteObject(Worker, 7n, 1)).toBe(false);
      expect(await services.deleteObject(Worker, 7n)).toBe(true);
      expect(await seven.done()).toBe(0);
    });

    it('serves nothing that was not served before', async () => {
      const one = new Services({ mock: true, services: [ServerOnly] });
      await expect(one.deleteObject(Worker, '7')).rejects.toThrow('Service class Worker not registered');
      expect(await codeOf(one.deleteObject(Worker, '7'))).toBe('BERTH_SERVICE_INVALID');
      expect([...one.services()].map(({ definition }) => definition.id)).toEqual(['test.ServerOnly']);
      expect(one.getServerInfo().registeredServices).toBe(1);
      await one.close();
    });

    it('rejects what it cannot take, and never throws at once', async () => {
      const refused = [
        services.deleteObject(Worker, 'a/b'),
        services.deleteObject(Worker, 7 as never),
        services.deleteObject(Worker, '7', -1),
        services.deleteObject(Worker, '7', 2 ** 32),
        services.deleteObject(Worker, '7', 0.5),
        services.deleteObject(Undecorated, '7'),
      ].map(codeOf);
      const [badId, invalid] = ['BERTH_SERVICE_BAD_OBJECT_ID', 'BERTH_SERVICE_INVALID'];
      expect(await Promise.all(refused)).toEqual([badId, badId, invalid, invalid, invalid, invalid]);
      expect(await services.deleteObject(Worker, '7', 2 ** 32 - 1)).toBe(false);
    });
  });
});

describe('client', () => {
  it('says what it lacks', async () => {
    expect(() => client(Undecorated, { address: 'x' })).toThrow('not registered');
    expect(() => client(Worker, {})).toThrow('needs an address, a bus or services');
    const services = new Services({ mock: true, services: [Worker] });
    const workers = client(Worker, { bus: services.bus });
    await expect(workers.object('a').who()).rejects.toThrow('give the client an address');
    await expect(workers.work(1)).rejects.toThrow('belongs to an object');
    const hidden = workers.object('a') as unknown as Worker;
    await expect(hidden.startInstanceAgent()).rejects.toThrow('has no @Method');
    expect(() => workers.object(7 as never)).toThrow('numbers lose digits');
    await services.close();
  });

  it('is no promise: it can be returned from an async function', async () => {
    const services = new Services({ mock: true, services: [Worker] });
    await services.startAgent(Worker);
    const make = async () => Promise.resolve(client(Worker, { services }).object('x'));
    expect(await (await make()).work(2)).toBe(2);
    await services.close();
  });
});
