import { type DynamicModule, type INestApplication, Module, type ModuleMetadata, type Provider } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, RouterModule } from '@nestjs/core';
import { defaultGatewaySettings, type GatewaySettings } from './gateway-settings.js';
import { type DeepPartial } from '@berth/config';
import { AgentHttpServerFactory, HttpServerPool } from '@berth/http-server-pool';
import { createLogger, LimitedLog, type Log } from '@berth/observability';
import { PortAllocatorService } from '@berth/port-allocator';
import { SESSION_DEFAULTS, WindowBudget } from '@berth/tunnel-protocol';
import { AdminModule } from './admin/index.js';
import { AgentRegistry } from './agents/index.js';
import { LifecycleEvents } from './lifecycle/index.js';
import { AgentBerths } from './ports/index.js';
import { effectiveLimits } from './effective-limits.js';
import { GatewayRuntime } from './gateway-runtime.js';
import { GATEWAY_LOG, GATEWAY_SETTINGS } from './gateway.tokens.js';
import { IngressBerthBuilder, MAX_REFUSED } from './ingress/index.js';
import {
  CERTIFICATE_REQUIRED,
  grpcCredentials,
  GrpcEdge,
  Handshakes,
  TunnelController,
  TunnelGrpcServer,
} from './tunnel/index.js';

export interface GatewayOptions {
  /** what differs from the defaults; see docs/configuration.md */
  settings?: DeepPartial<GatewaySettings>;
  /** takes the gateway's log; default: JSON lines on stdout */
  log?: Log;
  /**
   * The admin API in your application: under a path of its own (`'berth'` serves
   * `/berth/agents`), or not at all. Default: at the root, as `berth-gateway` has it.
   */
  admin?: { path: string } | false;
}

/** Takes the lines that anybody who reaches the gRPC port can cause. */
const EDGE_LOG = Symbol('EDGE_LOG');

const PROVIDERS: Provider[] = [
  { provide: LifecycleEvents, useFactory: (log: Log) => new LifecycleEvents(log), inject: [GATEWAY_LOG] },
  HttpServerPool,
  {
    provide: PortAllocatorService,
    useFactory: ({ http, agentPorts }: GatewaySettings, log: Log) =>
      new PortAllocatorService({
        range: http.agentPortRange,
        static: agentPorts.static,
        foreignMs: agentPorts.foreignMs,
        warn: (message, fields) => {
          log.warn(fields, message);
        },
      }),
    inject: [GATEWAY_SETTINGS, GATEWAY_LOG],
  },
  {
    provide: AgentHttpServerFactory,
    // The ingress answers the first connections above the limit; what is beyond them is dropped at once.
    useFactory: ({ ingress, agentPorts }: GatewaySettings) =>
      new AgentHttpServerFactory({
        ...ingress,
        ...agentPorts,
        maxConnections: agentPorts.maxConnections + MAX_REFUSED,
      }),
    inject: [GATEWAY_SETTINGS],
  },
  {
    provide: IngressBerthBuilder,
    useFactory: (
      factory: AgentHttpServerFactory,
      servers: HttpServerPool,
      discovery: DiscoveryService,
      { agentPorts, ingress }: GatewaySettings,
      log: Log,
    ) => new IngressBerthBuilder(factory, servers, discovery, agentPorts, ingress, log),
    inject: [AgentHttpServerFactory, HttpServerPool, DiscoveryService, GATEWAY_SETTINGS, GATEWAY_LOG],
  },
  {
    provide: AgentBerths,
    useFactory: (
      ports: PortAllocatorService,
      builder: IngressBerthBuilder,
      { agentPorts }: GatewaySettings,
      events: LifecycleEvents,
      log: Log,
    ) => new AgentBerths(ports, builder, agentPorts, events, log),
    inject: [PortAllocatorService, IngressBerthBuilder, GATEWAY_SETTINGS, LifecycleEvents, GATEWAY_LOG],
  },
  {
    provide: AgentRegistry,
    useFactory: (berths: AgentBerths, { tunnel, agentPorts }: GatewaySettings, events: LifecycleEvents, log: Log) =>
      new AgentRegistry(
        berths,
        {
          ...tunnel,
          // The newcomer's own handshake must live to hear the verdict.
          duplicateProbeMs: Math.min(tunnel.duplicateProbeMs, tunnel.handshakeTimeoutMs / 2),
          holdMs: agentPorts.holdMs,
        },
        events,
        log,
      ),
    inject: [AgentBerths, GATEWAY_SETTINGS, LifecycleEvents, GATEWAY_LOG],
  },
  {
    provide: EDGE_LOG,
    useFactory: (log: Log) => new LimitedLog(log),
    inject: [GATEWAY_LOG],
  },
  {
    provide: GrpcEdge,
    useFactory: ({ tunnel }: GatewaySettings, events: LifecycleEvents, log: LimitedLog) =>
      new GrpcEdge(tunnel, events, log),
    inject: [GATEWAY_SETTINGS, LifecycleEvents, EDGE_LOG],
  },
  {
    provide: Handshakes,
    useFactory: (
      registry: AgentRegistry,
      { tunnel, auth, agentPorts }: GatewaySettings,
      events: LifecycleEvents,
      log: Log,
      refusals: LimitedLog,
    ) =>
      new Handshakes(
        registry,
        {
          ...tunnel,
          token: auth.token,
          publicHost: agentPorts.publicHost,
          maxControlBytes: SESSION_DEFAULTS.maxControlBytes,
          window: {
            startBytes: tunnel.windowStartBytes,
            maxBytes: tunnel.windowMaxBytes,
            budget: new WindowBudget(tunnel.windowBudgetBytes),
          },
        },
        events,
        log,
        refusals,
      ),
    inject: [AgentRegistry, GATEWAY_SETTINGS, LifecycleEvents, GATEWAY_LOG, EDGE_LOG],
  },
  {
    provide: CERTIFICATE_REQUIRED,
    useFactory: ({ grpc }: GatewaySettings) => grpc.tls.enabled && grpc.tls.clientCert === 'require',
    inject: [GATEWAY_SETTINGS],
  },
  {
    provide: TunnelGrpcServer,
    useFactory: ({ grpc }: GatewaySettings, edge: GrpcEdge) =>
      new TunnelGrpcServer({ host: grpc.host, port: grpc.port, credentials: grpcCredentials(grpc.tls), edge }),
    inject: [GATEWAY_SETTINGS, GrpcEdge],
  },
  GatewayRuntime,
];

/**
 * The gateway as a Nest module. Import it with {@link GatewayModule.forRoot},
 * then call {@link connectGateway} on the application: that is all `berth-gateway` does.
 */
@Module({})
export class GatewayModule {
  /**
   * @param options settings that differ from the defaults
   * @throws BerthError `BERTH_CONFIG_INVALID` naming every wrong setting
   */
  static forRoot(options: GatewayOptions = {}): DynamicModule {
    const settings = defaultGatewaySettings(options.settings);
    return GatewayModule.forSettings(settings, options.log ?? createLogger('gateway', settings.log), options.admin);
  }

  /** The same with settings that are complete and checked, as `@berth/config` loads them. */
  static forSettings(
    settings: GatewaySettings,
    log: Log,
    admin: GatewayOptions['admin'] = { path: '' },
  ): DynamicModule {
    return {
      module: GatewayModule,
      global: true,
      imports: [DiscoveryModule, ...adminModules(admin)],
      controllers: [TunnelController],
      providers: [
        { provide: GATEWAY_SETTINGS, useFactory: () => effectiveLimits(settings, log) },
        { provide: GATEWAY_LOG, useValue: log },
        ...PROVIDERS,
      ],
      exports: [
        GATEWAY_SETTINGS,
        GATEWAY_LOG,
        AgentRegistry,
        AgentBerths,
        LifecycleEvents,
        PortAllocatorService,
        HttpServerPool,
        TunnelGrpcServer,
      ],
    };
  }
}

function adminModules(admin: GatewayOptions['admin']): NonNullable<ModuleMetadata['imports']> {
  if (admin === false) return [];
  if (admin === undefined || admin.path === '') return [AdminModule];
  return [AdminModule, RouterModule.register([{ path: admin.path, module: AdminModule }])];
}

/**
 * Puts the gRPC port into an application that imports {@link GatewayModule}, and
 * starts it. The admin API is served wherever the application itself listens.
 *
 * @returns the transport; its `port` is the one agents dial
 */
export async function connectGateway(app: INestApplication): Promise<TunnelGrpcServer> {
  const strategy = app.get(TunnelGrpcServer);
  app.connectMicroservice({ strategy });
  await app.startAllMicroservices();
  return strategy;
}
