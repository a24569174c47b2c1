import { Controller, Get, Inject, Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService, type ConfigType, registerAs } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { silentLog } from '@berth/observability';
import { PortAllocatorService } from '@berth/port-allocator';
import { disposable, freePortRange, type LocalService, localService } from '@berth/testing';
import { testAgent } from '@berth/testing/system';
import { AgentRegistry, GATEWAY_SETTINGS, GatewayModule, type GatewayOptions, TunnelGrpcServer } from 'berth-gateway';

describe('the gateway as a module of an application', () => {
  async function options(): Promise<GatewayOptions & { settings: object }> {
    return {
      settings: {
        http: { agentPortRange: await freePortRange(3) },
        grpc: { host: '127.0.0.1', port: 0 },
        agentPorts: { host: '127.0.0.1' },
      },
      log: silentLog,
    };
  }

  function hello(): Promise<LocalService> {
    return localService((_, response) => response.end('hello'));
  }

  it('a test replaces any provider, here the one that grants ports', async () => {
    const { start: port } = await freePortRange(1);
    const fixed = new PortAllocatorService({ range: { start: port, end: port } });
    const testing = await Test.createTestingModule({ imports: [GatewayModule.forRoot(await options())] })
      .overrideProvider(PortAllocatorService)
      .useValue(fixed)
      .compile();
    await using app = disposable(testing.createNestApplication({ logger: false }), (it) => it.close());
    await app.init();
    const { port: grpcPort } = app.get(TunnelGrpcServer);
    await using stack = new AsyncDisposableStack();
    await using agent = await testAgent({ grpcPort }, stack.use(await hello()).port);
    expect(agent.port).toBe(port);
    expect(fixed.list()).toMatchObject([{ port, agentId: 'agent-1' }]);
    expect(await (await fetch(agent.url)).text()).toBe('hello');
  });

  it('an application puts a provider of its own in place of one of the gateway', async () => {
    const { start: port } = await freePortRange(1);
    @Injectable()
    class OnePort extends PortAllocatorService {
      constructor() {
        super({ range: { start: port, end: port } });
      }
    }
    const replace = [{ provide: PortAllocatorService, useClass: OnePort }];
    @Module({ imports: [GatewayModule.forRoot({ ...(await options()), replace })] })
    class App {}
    await using app = disposable(await NestFactory.create(App, { logger: false, abortOnError: false }), (it) =>
      it.close(),
    );
    await app.init();
    const { port: grpcPort } = app.get(TunnelGrpcServer);
    await using stack = new AsyncDisposableStack();
    await using agent = await testAgent({ grpcPort }, stack.use(await hello()).port);
    expect(agent.port).toBe(port);
    expect(app.get(PortAllocatorService)).toBeInstanceOf(OnePort);
    expect(await (await fetch(agent.url)).text()).toBe('hello');
  });

  it('names a provider that it does not have', () => {
    const replace = [{ provide: 'NOBODY', useValue: 1 }];
    expect(() => GatewayModule.forRoot({ log: silentLog, replace })).toThrow('no provider NOBODY to replace');
  });

  it('forRootAsync: options that another provider makes; the gRPC port needs no call and ends with the application', async () => {
    const given = await options();
    @Injectable()
    class Vault {
      readonly options = given;
    }
    @Module({ providers: [Vault], exports: [Vault] })
    class VaultModule {}
    const gateway = GatewayModule.forRootAsync({
      imports: [VaultModule],
      inject: [Vault],
      useFactory: async (vault: Vault) => Promise.resolve(vault.options),
      admin: { path: 'berth' },
    });
    const testing = await Test.createTestingModule({ imports: [gateway] }).compile();
    await using app = disposable(testing.createNestApplication({ logger: false }), (it) => it.close());
    await app.listen(0, '127.0.0.1');
    const { port: grpcPort } = app.get(TunnelGrpcServer);
    await using stack = new AsyncDisposableStack();
    await using agent = await testAgent({ grpcPort }, stack.use(await hello()).port);
    expect(await (await fetch(`${await app.getUrl()}/berth/agents`)).json()).toMatchObject({ count: 1 });
    await agent.stop();
    await app.close();
    await expect(fetch(`http://127.0.0.1:${grpcPort}`)).rejects.toThrow();
  });

  it('forRootAsync: wrong settings end the start, all of them named', async () => {
    const useFactory = (): GatewayOptions => ({ settings: { http: { port: -1 }, grpc: { port: -1 } }, log: silentLog });
    const start = Test.createTestingModule({ imports: [GatewayModule.forRootAsync({ useFactory })] }).compile();
    await expect(start).rejects.toThrow(/http\.port[\s\S]*grpc\.port/);
  });

  it('runs without an HTTP server of the application', async () => {
    const testing = await Test.createTestingModule({
      imports: [GatewayModule.forRoot({ ...(await options()), admin: false })],
    }).compile();
    await using context = disposable(await testing.init(), (it) => it.close());
    const { port: grpcPort } = context.get(TunnelGrpcServer);
    await using stack = new AsyncDisposableStack();
    await using agent = await testAgent({ grpcPort }, stack.use(await hello()).port);
    expect(await (await fetch(agent.url)).text()).toBe('hello');
  });

  it("does not disturb an application's own ConfigModule, be it global and its groups named like the gateway's", async () => {
    const http = registerAs('http', () => ({ port: 'of the application' }));
    @Controller('own')
    class OwnController {
      constructor(
        private readonly config: ConfigService,
        @Inject(http.KEY) private readonly group: ConfigType<typeof http>,
      ) {}

      @Get()
      show(): unknown {
        const { config, group } = this;
        return [group.port, config.get('http.port'), config.get('FROM_ENV'), config.get('grpc.port') ?? 'nothing'];
      }
    }
    process.env['FROM_ENV'] = 'environment';
    await using stack = new AsyncDisposableStack();
    stack.defer(() => {
      delete process.env['FROM_ENV'];
    });
    for (const own of [0, 1]) {
      const gateway = GatewayModule.forRoot(await options());
      const config = ConfigModule.forRoot({ isGlobal: true, ignoreEnvFile: true, load: [http] });
      const imports = own === 0 ? [config, gateway] : [gateway, config];
      const testing = await Test.createTestingModule({ imports, controllers: [OwnController] }).compile();
      const app = stack.adopt(testing.createNestApplication({ logger: false }), (it) => it.close());
      await app.listen(0, '127.0.0.1');
      expect(await (await fetch(`${await app.getUrl()}/own`)).json()).toEqual([
        'of the application',
        'of the application',
        'environment',
        'nothing',
      ]);
      expect(app.get<{ http: { port: number } }>(GATEWAY_SETTINGS).http.port).toBe(8080);
    }
  });

  it('is not global: who wants its parts imports it', async () => {
    @Injectable()
    class Elsewhere {
      constructor(readonly registry: AgentRegistry) {}
    }
    @Module({ providers: [Elsewhere] })
    class FeatureModule {}
    const gateway = GatewayModule.forRoot(await options());
    const without = Test.createTestingModule({ imports: [gateway, FeatureModule] }).compile();
    await expect(without).rejects.toThrow('AgentRegistry');
    @Module({ imports: [gateway], providers: [Elsewhere] })
    class Importing {}
    const testing = await Test.createTestingModule({ imports: [gateway, Importing] }).compile();
    expect(testing.get(Elsewhere, { strict: false }).registry).toBe(testing.get(AgentRegistry, { strict: false }));
  });
});
