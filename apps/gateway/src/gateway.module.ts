import { type ConfigurableModuleAsyncOptions, type DynamicModule, Module } from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import type { LoadInput } from '@berth/config';
import { AgentHttpServerModule } from '@berth/http-server-pool';
import type { Log } from '@berth/observability';
import { PortAllocatorModule } from '@berth/port-allocator';
import { AccessLogModule } from './access-log/index.js';
import { AdminModule } from './admin/index.js';
import { AgentsModule } from './agents/index.js';
import { CertificatesModule } from './certificates/index.js';
import { ConfigPushModule } from './config-push/index.js';
import { checkedOptions, GatewayConfigModule, type GatewayOptions } from './gateway-config.module.js';
import { GatewayRuntime } from './gateway-runtime.js';
import type { GatewaySettings } from './gateway-settings.js';
import { IngressModule, ServerOptions } from './ingress/index.js';
import { LifecycleModule } from './lifecycle/index.js';
import { AllocatorOptions, LeasesModule, PortsModule } from './ports/index.js';
import { PolicyAgentsModule } from './policy-agents/index.js';
import { PolicyModule } from './policy/index.js';
import { replaceProviders, type Replacement } from './replaced-providers.js';
import { StateModule } from './state/index.js';
import { TracingModule } from './tracing/index.js';
import { TunnelModule } from './tunnel/index.js';

/**
 * The admin API in your application: under a path of its own (`'berth'` serves
 * `/berth/agents`), or not at all. Default: at the root, as `berth-gateway` has it.
 */
export type AdminPlace = { path: string } | false;

/** What has to be known of an embedded gateway before any provider is made. */
export interface GatewayExtras {
  /** default: at the root */
  admin?: AdminPlace;
  /** providers of yours in place of the gateway's with the same token; what they inject their room must have */
  replace?: readonly Replacement[];
}

/**
 * The gateway as a Nest module. It listens for agents when the application has
 * started, and stops with it: that is all `berth-gateway` does.
 */
@Module({ providers: [GatewayRuntime] })
export class GatewayModule {
  /**
   * @param options settings that differ from the defaults
   * @throws BerthError `BERTH_CONFIG_INVALID` naming every wrong setting
   */
  static forRoot({ admin, replace, ...options }: GatewayOptions & GatewayExtras = {}): DynamicModule {
    return gateway(GatewayConfigModule.register(checkedOptions(options)), admin, replace);
  }

  /**
   * The same with options that other providers make; where the admin API goes
   * has to be known before. Wrong settings end the start of the application.
   */
  static forRootAsync({
    admin,
    replace,
    ...options
  }: ConfigurableModuleAsyncOptions<GatewayOptions> & GatewayExtras): DynamicModule {
    return gateway(GatewayConfigModule.registerAsync(options), admin, replace);
  }

  /**
   * The same with settings that are complete and checked, as `@berth/config` loads them.
   *
   * @param input where they were looked up, so that they can change while the gateway runs
   */
  static forSettings(settings: GatewaySettings, log: Log, admin?: AdminPlace, input?: LoadInput): DynamicModule {
    return gateway(GatewayConfigModule.register({ checked: settings, log, input }), admin);
  }
}

/** Puts the rooms together. Nest knows a dynamic module by its object: whoever is given the same one shares its providers. */
function gateway(
  config: DynamicModule,
  admin: AdminPlace = { path: '' },
  replace: readonly Replacement[] = [],
): DynamicModule {
  const lifecycle = LifecycleModule.using(config);
  const state = StateModule.using(config);
  const leases = LeasesModule.using(config, state);
  const allocator = PortAllocatorModule.registerAsync({ imports: [config, leases], useClass: AllocatorOptions });
  const servers = AgentHttpServerModule.registerAsync({ imports: [config], useClass: ServerOptions });
  const ports = PortsModule.using(config, lifecycle, allocator, leases, servers);
  const certificates = CertificatesModule.using(config);
  const policyAgents = PolicyAgentsModule.using(config, lifecycle, state);
  const policy = PolicyModule.using(config, state, policyAgents);
  const accessLog = AccessLogModule.using(config);
  const tracing = TracingModule.using(config);
  const ingress = IngressModule.using(config, accessLog, tracing, certificates, policy, servers, ports);
  const configPush = ConfigPushModule.using(config, lifecycle);
  const agents = AgentsModule.using(config, lifecycle, state, configPush, ports);
  const tunnel = TunnelModule.using(config, lifecycle, agents, allocator);
  const rooms = [
    config,
    lifecycle,
    state,
    leases,
    allocator,
    servers,
    ports,
    certificates,
    policyAgents,
    policy,
    accessLog,
    tracing,
    ingress,
    configPush,
    agents,
    tunnel,
  ];
  if (admin !== false) {
    rooms.push(
      AdminModule.using(
        ...[config, lifecycle, agents, configPush, tunnel],
        ...[ports, allocator, servers, certificates, policy, policyAgents, state, ingress, accessLog, tracing],
      ),
    );
    if (admin.path !== '') rooms.push(RouterModule.register([{ path: admin.path, module: AdminModule }]));
  }
  replaceProviders(rooms, replace);
  const exported = [
    config,
    lifecycle,
    state,
    allocator,
    servers,
    ports,
    policy,
    policyAgents,
    configPush,
    agents,
    tunnel,
  ];
  return { module: GatewayModule, imports: rooms, exports: exported };
}
