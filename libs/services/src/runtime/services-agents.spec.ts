import { codeOf } from '../../testing/bus/lab.js';
import { ServerOnly, Undecorated, Worker } from '../../testing/worker-service.js';
import { client } from '../client/client.js';
import { AgentError } from '../errors.js';
import { Services } from './services.js';

describe('Services, in mock mode (B15)', () => {
  let services: Services;

  beforeEach(() => {
    services = new Services({ mock: true, services: [Worker, ServerOnly] });
  });
  afterEach(() => services.close());

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
});
