import { jest } from '@jest/globals';
import { MemoryBus } from '../bus/memory-bus.js';
import { client } from '../client/client.js';
import { Method } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { MemoryStore } from '../objects/memory-store.js';
import { WINDOW_MS } from './call-stats.js';
import { Services } from './services.js';

@Service('Shaky', { package: 'health' })
class Shaky {
  @Method({ stateless: true }) run(fail: boolean): string {
    if (fail) throw new Error('as asked');
    return 'done';
  }
  @Method({ stateless: true, serveWithAgent: true }) work(): void {
    return;
  }
}

@Service('Steady', { package: 'health' })
class Steady {
  @Method({ stateless: true }) run(): void {
    return;
  }
}

describe('B17: health()', () => {
  let services: Services;

  beforeEach(async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    services = new Services({ mock: true, services: [Shaky, Steady] });
    await services.startServer({ port: 4711 });
  });
  afterEach(async () => {
    jest.useRealTimers();
    await services.close();
  });

  async function calls(good: number, bad: number): Promise<void> {
    const shaky = client(Shaky, { services });
    for (let i = 0; i < good; i += 1) await shaky.run(false);
    for (let i = 0; i < bad; i += 1) await expect(shaky.run(true)).rejects.toThrow('as asked');
  }

  it('is ok where nothing was called', () => {
    const quiet = { status: 'ok', calls: 0, errors: 0, errorRate: 0 };
    expect(services.health()).toEqual({
      status: 'ok',
      bus: { state: 'up' },
      store: { state: 'up' },
      server: { running: true, port: 4711 },
      agents: {},
      services: { 'health.Shaky': quiet, 'health.Steady': quiet },
    });
  });

  it('is ok at 10 % errors and warns above, for the service that has them', async () => {
    await calls(9, 1);
    expect(services.health()).toMatchObject({
      status: 'ok',
      services: { 'health.Shaky': { status: 'ok', calls: 10, errors: 1, errorRate: 0.1 } },
    });
    await calls(0, 1);
    expect(services.health()).toMatchObject({
      status: 'warn',
      services: { 'health.Shaky': { status: 'warn', calls: 11, errors: 2 }, 'health.Steady': { status: 'ok' } },
    });
  });

  it('is ok again when the errors are long ago', async () => {
    await calls(0, 3);
    jest.advanceTimersByTime(WINDOW_MS - 1);
    expect(services.health().status).toBe('warn');
    jest.advanceTimersByTime(WINDOW_MS + 1);
    expect(services.health()).toMatchObject({ status: 'ok', services: { 'health.Shaky': { calls: 0, errorRate: 0 } } });
  });

  it("does not count the callers' mistakes", async () => {
    const shaky = client(Shaky, { services });
    for (let i = 0; i < 3; i += 1)
      await expect(shaky.run('wrong' as unknown as boolean)).rejects.toMatchObject({ status: 'INVALID_REQUEST' });
    expect(services.health()).toMatchObject({ status: 'ok', services: { 'health.Shaky': { calls: 0, errors: 0 } } });
  });

  it('counts agents by state', async () => {
    await services.startAgent(Shaky);
    await services.startAgent(Shaky, { objectId: '1' });
    expect(services.health().agents).toEqual({ running: 2 });
  });

  it('says how it is where two decorated classes share an id', async () => {
    const twin = Service('Twin', { package: 'health' });
    twin(
      class One {
        readonly one = 1;
      },
    );
    twin(
      class Two {
        readonly two = 2;
      },
    );
    const all = new Services({ mock: true });
    expect(all.health()).toMatchObject({ status: 'ok', server: { running: false }, services: {} });
    // Shaky, Steady, and the twins once.
    expect(all.getServerInfo().registeredServices).toBe(3);
    await expect(all.startServer()).rejects.toThrow("are called 'health.Twin'");
    expect(all.health().server.running).toBe(false);
    await all.close();
  });

  it('is down when the bus or the store is, whatever else', async () => {
    const bus = new MemoryBus();
    const store = new MemoryStore();
    const onBus = new Services({ mock: true, services: [Steady], bus });
    const onStore = new Services({ mock: true, services: [Steady], store });
    expect([onBus.health().status, onStore.health().status]).toEqual(['ok', 'ok']);
    await bus.close();
    await store.close();
    expect(onBus.health()).toMatchObject({ status: 'down', bus: { state: 'closed' }, store: { state: 'up' } });
    expect(onStore.health()).toMatchObject({ status: 'down', bus: { state: 'up' }, store: { state: 'closed' } });
    await Promise.all([onBus.close(), onStore.close()]);
  });
});
