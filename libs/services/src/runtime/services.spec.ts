import { codeOf } from '../../testing/bus/lab.js';
import { ServerOnly, Undecorated, Worker } from '../../testing/worker-service.js';
import { client } from '../client/client.js';
import { Service } from '../definition/service-decorator.js';
import { ServerError, ServicesError } from '../errors.js';
import { Services } from './services.js';

describe('Services, in mock mode (B15)', () => {
  let services: Services;

  beforeEach(() => {
    services = new Services({ mock: true, services: [Worker, ServerOnly] });
  });
  afterEach(() => services.close());

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
