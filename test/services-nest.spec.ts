import 'reflect-metadata';
import type { Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { Controller, Get, Header, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { IsInt, IsString, Min } from 'class-validator';
import { client, MemoryBus, Method, NatsBus, Service, Services, State } from 'berth-services';
import {
  ServicesHealthIndicator,
  ServicesMetrics,
  ServicesModule,
  type ServicesModuleOptions,
} from 'berth-services-nest';
import { describeWithNats, disposable, eventually, NatsServer, owning } from '@berth/testing';
import { type Family, parsePrometheus } from '@berth/testing/system';

class Line {
  @IsString() item!: string;
  @IsInt() @Min(1) amount!: number;
}

/** What the service needs, and what has to outlive its calls. */
@Injectable()
class Prices implements OnApplicationShutdown {
  open = true;
  of(item: string): number {
    if (!this.open) throw new Error('the prices are closed');
    return item.length;
  }
  onApplicationShutdown(): void {
    this.open = false;
    events.push('prices closed');
  }
}

@Service('Cart', { package: 'shop' })
class Cart {
  @State() private total = 0;
  constructor(@Inject(Prices) private readonly prices: Prices) {}

  @Method({ stateless: true }) price(item: string): number {
    return this.prices.of(item);
  }
  @Method() add(line: Line): number {
    return (this.total += line.amount * this.prices.of(line.item));
  }
  @Method({ stateless: true }) fail(): void {
    throw new Error('as asked');
  }
  @Method({ stateless: true }) async slow(item: string): Promise<number> {
    events.push('call began');
    await gate.opened;
    events.push('call ends');
    return this.prices.of(item);
  }
  @Method({ serveWithAgent: true }) async slowly(item: string): Promise<number> {
    return this.slow(item);
  }
}

@Module({ providers: [Prices, Cart], exports: [Cart] })
class ShopModule {}

@Controller()
class OperationsController {
  constructor(
    @Inject(HealthCheckService) private readonly checks: HealthCheckService,
    @Inject(ServicesHealthIndicator) private readonly services: ServicesHealthIndicator,
    @Inject(ServicesMetrics) private readonly metrics: ServicesMetrics,
  ) {}

  @Get('health') @HealthCheck() health() {
    return this.checks.check([() => this.services.isHealthy('services')]);
  }
  @Get('strict') @HealthCheck() strict() {
    return this.checks.check([() => this.services.isHealthy('services', { failOnWarn: true })]);
  }
  @Get('metrics') @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8') show(): Promise<string> {
    return this.metrics.text();
  }
}

let events: string[] = [];
let gate = newGate();

function newGate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

describe('Services in a Nest application', () => {
  beforeEach(() => {
    events = [];
    gate = newGate();
  });
  async function application(options: ServicesModuleOptions = {}) {
    @Module({
      imports: [
        ShopModule,
        TerminusModule.forRoot({ logger: false }),
        ServicesModule.forRoot({ server: { port: 0 }, agents: [Cart], ...options }),
      ],
      controllers: [OperationsController],
    })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
    return disposable(app, (it) => it.close());
  }

  async function started(options: ServicesModuleOptions = {}) {
    await using stack = new AsyncDisposableStack();
    const app = stack.use(await application(options));
    await app.listen(0, '127.0.0.1');
    const services = app.get(Services);
    const http = `http://127.0.0.1:${((app.getHttpServer() as Server).address() as AddressInfo).port}`;
    const address = `127.0.0.1:${services.getServerInfo().port ?? 0}`;
    const cart = stack.use(client(Cart, { address, bus: services.bus }));
    return owning({ app, services, http, cart }, stack);
  }

  type Json = Record<string, Record<string, unknown>>;
  const json = async (url: string): Promise<{ status: number; body: Json }> => {
    const answer = await fetch(url);
    return { status: answer.status, body: (await answer.json()) as Json };
  };

  it('B13, B16: serves gRPC calls with injected dependencies, and checks DTOs', async () => {
    await using setup = await started();
    const { cart } = setup;
    expect(await cart.price('tea')).toBe(3);
    expect(await cart.object(2n ** 64n - 1n).add({ item: 'tea', amount: 2 })).toBe(6);
    expect(await cart.object(2n ** 64n - 1n).add({ item: 'tea', amount: 1 })).toBe(9);
    await expect(cart.object('1').add({ item: 'tea', amount: 0 })).rejects.toMatchObject({
      status: 'INVALID_REQUEST',
      code: 'BERTH_SERVICE_BAD_PAYLOAD',
      message: expect.stringContaining('amount must not be less than 1'),
    });
    expect(await cart.object('1').add({ item: 'tea', amount: 1 })).toBe(3);
  });

  it('B17: shows metrics where a controller asks for them', async () => {
    await using setup = await started();
    const { cart, http } = setup;
    await cart.price('tea');
    await expect(cart.fail()).rejects.toThrow('as asked');
    const answer = await fetch(`${http}/metrics`);
    const families: Map<string, Family> = parsePrometheus(await answer.text());
    const calls = families.get('berth_service_calls_total')?.samples ?? [];
    const of = (method: string, status: string) =>
      calls.find(({ labels }) => labels['method'] === method && labels['status'] === status)?.value;
    expect([of('price', 'okay'), of('price', 'app_error'), of('fail', 'app_error')]).toEqual([1, 0, 1]);
    const up = families.get('berth_service_up')?.samples.map(({ value }) => value);
    expect(up).toEqual([1, 1, 1]);
  });

  it('B17: is healthy, degraded above 10 % errors, and down only for those who ask for it', async () => {
    await using setup = await started();
    const { cart, http } = setup;
    expect(await json(`${http}/health`)).toEqual({
      status: 200,
      body: expect.objectContaining({
        status: 'ok',
        info: { services: { status: 'up', bus: 'up', store: 'up', server: 'running', agents: { running: 1 } } },
      }),
    });
    await cart.price('tea');
    await expect(cart.fail()).rejects.toThrow();
    const lenient = await json(`${http}/health`);
    expect(lenient).toMatchObject({ status: 200, body: { status: 'degraded' } });
    expect(lenient.body['details']?.['services']).toMatchObject({
      status: 'degraded',
      warnings: ['1 of 2 calls of shop.Cart failed (50.0 %)'],
    });
    expect(await json(`${http}/strict`)).toMatchObject({ status: 503, body: { status: 'error' } });
  });

  it('B17: is down when an agent, the server, the bus or the store is not there, and names it', async () => {
    await using bus = disposable(new MemoryBus(), (it) => it.close());
    await using setup = await started({ bus });
    const { services, http } = setup;
    const problems = async (): Promise<unknown> => {
      const { status, body } = await json(`${http}/health`);
      const services = body['details']?.['services'] as { problems?: string[] };
      return [status, ...(services.problems ?? [])];
    };
    expect(await problems()).toEqual([200]);
    await services.stopAllAgents();
    expect(await problems()).toEqual([503, 'agent shop.Cart is stopped']);
    await services.startAgent(Cart);
    await services.stopServer();
    expect(await problems()).toEqual([503, 'the function server does not run']);
    await services.restartServer();
    expect(await problems()).toEqual([200]);
    await services.store.close();
    expect(await problems()).toEqual([503, expect.stringMatching(/^the store is closed/)]);
    await bus.close();
    expect(await problems()).toEqual(expect.arrayContaining([expect.stringMatching(/^the bus is closed/)]));
  });

  it('is ready before it listens', async () => {
    await using app = await application();
    await app.init();
    expect(app.get(Services).isServerRunning()).toBe(true);
    expect(Object.values(app.get(Services).listAgents())).toEqual([expect.objectContaining({ state: 'running' })]);
    expect((app.getHttpServer() as Server).listening).toBe(false);
  });

  it('B1: a port that is taken fails the start, and leaves no agent behind', async () => {
    await using blocker = disposable(createServer(), (it) => it.close());
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as AddressInfo;
    await using bus = disposable(new MemoryBus(), (it) => it.close());
    await using app = await application({ bus, server: { port } });
    await expect(app.listen(0, '127.0.0.1')).rejects.toMatchObject({
      name: 'ServerError',
      code: 'BERTH_FUNCTION_SERVER_FAILED',
      message: expect.stringContaining(String(port)),
    });
    expect((app.getHttpServer() as Server).listening).toBe(false);
    expect(app.get(Services).listAgents()).toEqual({});
    await expect(client(Cart, { bus }).object('1').slowly('tea')).rejects.toMatchObject({
      code: 'BERTH_SERVICE_NO_AGENT',
    });
  });

  describeWithNats('over NATS', () => {
    it('B5: a bus that cannot be reached fails the start, and the password stays unsaid', async () => {
      await using nats = await NatsServer.start();
      const servers = nats.url.replace('//', '//user:secret-word@');
      await using bus = disposable(await NatsBus.connect({ servers, connectTimeoutMs: 300 }), (it) => it.close());
      await nats.stop();
      await eventually(() => bus.health().state === 'down');
      await using app = await application({ bus });
      const error: unknown = await app.listen(0, '127.0.0.1').catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'AgentError', code: 'BERTH_OBJECT_AGENT_FAILED' });
      expect(String(error)).toMatch(/^AgentError: Failed to start agent shop\.Cart: /);
      expect(String(error)).not.toContain('secret-word');
      expect(app.get(Services).isServerRunning()).toBe(false);
    });
  });

  it('B2, B7: a shutdown lets running calls end before what they need is closed', async () => {
    await using setup = await started();
    const { app, services, cart } = setup;
    const overGrpc = cart.slow('tea');
    const overBus = cart.object('1').slowly('milk');
    await eventually(() => events.length === 2);
    const closing = app.close().then(() => events.push('closed'));
    await eventually(() => Object.values(services.listAgents()).every(({ state }) => state === 'stopping'));
    await expect(cart.object('2').slowly('late')).rejects.toMatchObject({ code: 'BERTH_SERVICE_NO_AGENT' });
    expect(events).toEqual(['call began', 'call began']);
    gate.open();
    expect(await Promise.all([overGrpc, overBus])).toEqual([3, 4]);
    await closing;
    expect(events).toEqual(['call began', 'call began', 'call ends', 'call ends', 'prices closed', 'closed']);
    expect(services.bus.health().state).toBe('closed');
  });

  it('starts again after it was closed, with the same registry and port', async () => {
    await using first = await started();
    const port = first.services.getServerInfo().port ?? 0;
    const { registry } = first.app.get(ServicesMetrics);
    await first.app.close();
    expect(registry.getMetricsAsArray()).toEqual([]);
    await using second = await started({ server: { port }, metrics: { registry } });
    expect(await second.cart.price('tea')).toBe(3);
    expect(second.app.get(ServicesMetrics).registry).toBe(registry);
  });

  describeWithNats('over NATS', () => {
    it('B10, B17: is down while the broker is away, and up again with it', async () => {
      await using nats = await NatsServer.start();
      await using bus = disposable(await NatsBus.connect({ servers: nats.url }), (it) => it.close());
      await using setup = await started({ bus });
      const { cart, http, app } = setup;
      gate.open();
      expect(await cart.object('1').slowly('tea')).toBe(3);
      expect(await json(`${http}/health`)).toMatchObject({ status: 200, body: { status: 'ok' } });
      await nats.stop();
      const down = await eventually(async () => {
        const answer = await json(`${http}/health`);
        return answer.status === 503 ? answer.body['details']?.['services'] : undefined;
      });
      expect(down).toMatchObject({ status: 'down', bus: 'down', server: 'running', agents: { reconnecting: 1 } });
      expect(await cart.price('tea')).toBe(3);
      await nats.start();
      await eventually(async () => (await json(`${http}/health`)).status === 200, 15_000);
      expect(await cart.object('1').slowly('milk')).toBe(4);
      await app.close();
      expect(bus.health().state).toBe('up');
    });
  });
});
