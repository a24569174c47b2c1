import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { INestApplication } from '@nestjs/common';
import { silentLog } from '@berth/observability';
import { owning, eventually, freePortRange, localService } from '@berth/testing';
import { listens, RawAgent, testAgent, testGateway } from '@berth/testing/system';
import {
  AgentBerths,
  GatewayModule,
  LifecycleEvents,
  PortKinds,
  type PortOrder,
  type PortServer,
  type PortServerBuilder,
  TunnelGrpcServer,
} from 'berth-gateway';

/** A kind of port that says who is behind it, and nothing else: no HTTP anywhere. */
class GreetingServer implements PortServer {
  readonly scheme = 'greeting';
  startedAt: number | undefined;
  onLost: ((error: Error | undefined) => void) | undefined;
  readonly graces: number[] = [];
  readonly server: Server;

  constructor(readonly order: PortOrder) {
    this.server = createServer((socket) => socket.end(`I am ${order.service.id}`));
  }

  get running(): boolean {
    return this.server.listening;
  }

  async start(): Promise<void> {
    this.server.listen(this.order.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.startedAt = Date.now();
  }

  async stop(graceMs: number): Promise<void> {
    this.graces.push(graceMs);
    this.server.close();
    await Promise.resolve();
  }
}

@Injectable()
class GreetingPorts implements PortServerBuilder, OnModuleInit {
  readonly kind = 'greeting';
  readonly built: GreetingServer[] = [];

  constructor(private readonly kinds: PortKinds) {}

  onModuleInit(): void {
    this.kinds.add(this);
  }

  build(order: PortOrder): GreetingServer {
    const server = new GreetingServer(order);
    this.built.push(server);
    return server;
  }
}

describe('kinds of ports', () => {
  async function application(): Promise<
    { app: INestApplication; grpcPort: number; built: GreetingServer[] } & AsyncDisposable
  > {
    await using stack = new AsyncDisposableStack();
    const settings = {
      http: { agentPortRange: await freePortRange(3) },
      grpc: { host: '127.0.0.1', port: 0 },
      agentPorts: { host: '127.0.0.1', stopGraceMs: 1234 },
    };
    const gateway = GatewayModule.forRoot({ settings, log: silentLog });
    @Module({ imports: [gateway], providers: [GreetingPorts] })
    class App {}
    const app = stack.adopt(await NestFactory.create(App, { logger: false, abortOnError: false }), (it) => it.close());
    await app.listen(0, '127.0.0.1');
    return owning({ app, grpcPort: app.get(TunnelGrpcServer).port, built: app.get(GreetingPorts).built }, stack);
  }

  const registered = async (grpcPort: number, id: string, portKind: string): Promise<RawAgent> =>
    await RawAgent.registered(grpcPort, id, { portKind });

  it("an application's own kind: its builder makes the server, the berths start and stop it, and everybody is told its scheme", async () => {
    await using setup = await application();
    const { app, grpcPort, built } = setup;
    const leased: unknown[] = [];
    app.get(LifecycleEvents).on('port.leased', (event) => void leased.push(event));
    using agent = await registered(grpcPort, 'greeter', 'greeting');
    const { port, scheme } = await agent.welcome;
    expect(scheme).toBe('greeting');
    const [server] = built;
    expect(server?.order).toMatchObject({ port, service: { id: 'greeter', kind: 'greeting' } });
    expect(app.get(AgentBerths).list()).toEqual([
      {
        agentId: 'greeter',
        service: 'default',
        port,
        scheme: 'greeting',
        loopback: false,
        startedAt: server?.startedAt,
      },
    ]);
    expect(await (await fetch(`${await app.getUrl()}/agents`)).json()).toMatchObject({
      agents: [{ agent_id: 'greeter', port, scheme: 'greeting' }],
    });
    await eventually(() => leased.length === 1);
    expect(leased).toEqual([{ agentId: 'greeter', service: 'default', port, scheme: 'greeting' }]);
    agent.close();
    await eventually(() => server?.graces.length === 1);
    expect(server?.graces).toEqual([1234]);
    expect(await listens(port)).toBe(false);
  });

  it('beside it, the kind of HTTP ports is what an agent gets that asks for none', async () => {
    await using setup = await application();
    const { grpcPort, built } = setup;
    await using service = await localService((_, response) => response.end('hello'));
    await using agent = await testAgent({ grpcPort }, service.port);
    expect(await (await fetch(agent.url)).text()).toBe('hello');
    using old = await registered(grpcPort, 'older', '');
    expect((await old.welcome).scheme).toBe('http');
    expect(built).toEqual([]);
  });

  it('an agent whose server is lost is disconnected, whatever the kind', async () => {
    await using setup = await application();
    const { grpcPort, built } = setup;
    using agent = await registered(grpcPort, 'greeter', 'greeting');
    built[0]?.onLost?.(new Error('gone'));
    expect((await agent.status).metadata.get('berth-error-code')).toEqual(['BERTH_SERVER_START_FAILED']);
  });

  it('a kind that the gateway does not have is refused for good, with those that it has', async () => {
    await using gateway = await testGateway();
    using agent = new RawAgent(gateway.grpcPort);
    agent.hello('wants-more', { portKind: 'udp' });
    expect((await agent.status).code).toBe(status.UNIMPLEMENTED);
    expect(agent.refused).toEqual({
      code: 'BERTH_PORT_KIND_UNSUPPORTED',
      message: 'this gateway has no ports of kind "udp", it has: http, tcp',
      retryable: false,
    });
    expect(gateway.app.get(AgentBerths).list()).toEqual([]);
  });
});
