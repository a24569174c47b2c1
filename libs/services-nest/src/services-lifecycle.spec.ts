import { Test } from '@nestjs/testing';
import { Registry } from 'prom-client';
import { MemoryBus, Method, Service, Services, ServicesError } from 'berth-services';
import { type Log, silentLog } from '@berth/observability';
import { ServicesLifecycle } from './services-lifecycle.js';
import { ServicesModule } from './services.module.js';
import type { ServicesModuleOptions } from './services-module-options.js';

@Service('Worker', { package: 'lifecycle' })
class Worker {
  @Method({ serveWithAgent: true }) work(): string {
    return 'done';
  }
}

@Service('Spare', { package: 'lifecycle' })
class Spare {
  @Method({ serveWithAgent: true }) work(): void {
    return;
  }
}

/** A bus whose broker is away. */
class NoBroker extends MemoryBus {
  override serve(): Promise<never> {
    return Promise.reject(new ServicesError('BERTH_SERVICE_BUS_UNAVAILABLE', 'the broker cannot be reached'));
  }
}

/** A bus whose broker takes its time. */
class SlowBroker extends MemoryBus {
  answer = (): void => undefined;
  private ask = (): void => undefined;
  readonly asked = new Promise<void>((resolve) => (this.ask = resolve));
  private readonly answered = new Promise<void>((resolve) => (this.answer = resolve));

  override async serve(...args: Parameters<MemoryBus['serve']>): ReturnType<MemoryBus['serve']> {
    this.ask();
    await this.answered;
    return super.serve(...args);
  }
}

describe('ServicesLifecycle', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function application(options: ServicesModuleOptions) {
    const module = await Test.createTestingModule({
      imports: [ServicesModule.forRoot({ mock: true, services: [Worker, Spare], ...options })],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    ends.push(() => app.close());
    return app;
  }

  it('B17: a start that failed leaves nothing in a registry that was given: the next one may have it', async () => {
    const registry = new Registry();
    const bus = new NoBroker();
    ends.push(() => bus.close());
    const failing = await application({ agents: [Worker], bus, metrics: { registry } });
    await expect(failing.init()).rejects.toThrow('the broker cannot be reached');
    expect(registry.getMetricsAsArray()).toEqual([]);
    const next = await application({ agents: [Worker], metrics: { registry } });
    await next.init();
    expect(registry.getMetricsAsArray()).not.toEqual([]);
  });

  it('B10: starts what the settings name, and nothing else', async () => {
    const both = await application({
      agents: [Worker, { service: Spare, objectId: 7n, partitionId: 3, concurrency: 2 }],
      server: { port: 4711 },
    });
    await both.init();
    expect(Object.keys(both.get(Services).listAgents())).toEqual(['lifecycle.Worker', 'lifecycle.Spare:7@3']);
    expect(both.get(Services).getServerInfo()).toMatchObject({ running: true, port: 4711, mode: 'mock' });

    const agents = await application({ agents: [Worker] });
    await agents.init();
    expect(agents.get(Services).isServerRunning()).toBe(false);
    expect(agents.get(ServicesLifecycle).missing()).toEqual([]);

    const server = await application({ server: {} });
    await server.init();
    expect(server.get(Services).getServerInfo()).toMatchObject({ running: true, port: 8080 });
    expect(server.get(Services).listAgents()).toEqual({});

    const later = await application({ server: { autoStart: false } });
    await later.init();
    expect(later.get(Services).isServerRunning()).toBe(false);
    expect(later.get(ServicesLifecycle).missing()).toEqual([]);
  });

  it('tells what should run and does not, at every time of its life', async () => {
    const app = await application({ agents: [Worker, Spare], server: {} });
    const lifecycle = app.get(ServicesLifecycle);
    const services = app.get(Services);
    expect(lifecycle.missing()).toEqual(['the application is starting']);
    await app.init();
    expect(lifecycle.missing()).toEqual([]);
    await services.stopAgent('lifecycle.Spare');
    expect(lifecycle.missing()).toEqual(['agent lifecycle.Spare is stopped']);
    await services.stopServer();
    expect(lifecycle.missing()).toEqual(['the function server does not run', 'agent lifecycle.Spare is stopped']);
    await services.startAgent(Spare);
    await services.startServer();
    expect(lifecycle.missing()).toEqual([]);
    await app.close();
    expect(lifecycle.missing()).toEqual(['the application is stopping']);
  });

  it('B5: a broker that is down at start is a failed start, and nothing is left running', async () => {
    const bus = new NoBroker();
    ends.push(() => bus.close());
    const app = await application({ bus, agents: [Worker], server: {} });
    await expect(app.init()).rejects.toMatchObject({
      name: 'AgentError',
      code: 'BERTH_OBJECT_AGENT_FAILED',
      message: 'Failed to start agent lifecycle.Worker: the broker cannot be reached',
    });
    expect(app.get(Services).isServerRunning()).toBe(false);
    expect(app.get(Services).listAgents()).toEqual({});
  });

  it('B5: of two agents the one that can start is stopped again when the other cannot', async () => {
    class Undecorated {
      readonly nothing = 0;
    }
    const app = await application({ agents: [Worker, Undecorated] });
    await expect(app.init()).rejects.toThrow('Service class Undecorated not registered');
    expect(app.get(Services).listAgents()).toEqual({});
  });

  it('B5: an agent that is still starting when another one fails is stopped, too', async () => {
    class Undecorated {
      readonly nothing = 0;
    }
    const bus = new SlowBroker();
    ends.push(() => bus.close());
    const app = await application({ bus, agents: [Worker, Undecorated] });
    const started = app.init();
    const failed = expect(started).rejects.toThrow('Service class Undecorated not registered');
    await bus.asked;
    bus.answer();
    await failed;
    expect(app.get(Services).listAgents()).toEqual({});
  });

  it('a shutdown in the middle of the start leaves nothing running', async () => {
    const bus = new SlowBroker();
    ends.push(() => bus.close());
    const app = await application({ bus, agents: [Worker], server: {} });
    const started = app.init();
    await bus.asked;
    const lifecycle = app.get(ServicesLifecycle);
    const stopped = lifecycle.onModuleDestroy();
    bus.answer();
    await Promise.all([started, stopped]);
    expect(app.get(Services).listAgents()).toEqual({});
    expect(app.get(Services).isServerRunning()).toBe(false);
    expect(lifecycle.missing()).toEqual(['the application is stopping']);
  });

  it('B5: the same agent twice is a failed start', async () => {
    const app = await application({ agents: [Worker, Worker] });
    await expect(app.init()).rejects.toMatchObject({ code: 'BERTH_OBJECT_AGENT_RUNNING' });
    expect(app.get(Services).listAgents()).toEqual({});
  });

  it('B9: goes on past an agent that does not stop, and says which', async () => {
    const errors: unknown[][] = [];
    const log: Log = Object.assign(Object.create(silentLog) as Log, {
      error: (...line: unknown[]) => errors.push(line),
    });
    const app = await application({ agents: [Worker, Spare], server: {}, log });
    await app.init();
    const services = app.get(Services);
    const stopAllAgents = services.stopAllAgents.bind(services);
    services.stopAllAgents = async () => {
      services.stopAllAgents = stopAllAgents;
      await stopAllAgents();
      throw new ServicesError('BERTH_OBJECT_AGENT_FAILED', 'one did not', { failures: { 'lifecycle.Spare': 'stuck' } });
    };
    await app.close();
    expect(errors).toEqual([
      [{ failures: { 'lifecycle.Spare': 'stuck' } }, 'services: could not stop the agents cleanly: one did not'],
    ]);
    expect(services.isServerRunning()).toBe(false);
    expect(services.bus.health().state).toBe('closed');
  });
});
