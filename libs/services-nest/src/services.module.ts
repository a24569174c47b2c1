import { type DynamicModule, type FactoryProvider, Module, type Provider, type Type } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { HealthIndicatorService } from '@nestjs/terminus';
import { requireDefinition, Services } from '#services';
import { nestLog } from './nest-log.js';
import { ServiceInstances } from './service-instances.js';
import { ServicesHealthIndicator } from './services-health.indicator.js';
import { ServicesLifecycle } from './services-lifecycle.js';
import { ServicesMetrics } from './services-metrics.js';
import {
  SERVICES_SETTINGS,
  type ServicesModuleAsyncOptions,
  type ServicesModuleOptions,
  type ServicesSettings,
} from './services-module-options.js';

const PROVIDERS: Provider[] = [
  ServiceInstances,
  {
    provide: Services,
    inject: [SERVICES_SETTINGS, ServiceInstances],
    useFactory: ({ agents: _agents, metrics: _metrics, ...options }: ServicesSettings, { create }: ServiceInstances) =>
      // An empty list: only what this application provides is served, not all that is decorated.
      new Services({ log: nestLog(), ...options, services: [], create }),
  },
  ServicesLifecycle,
  ServicesMetrics,
  // It has no state that has to be shared, so that who wants no terminus endpoint needs no TerminusModule.
  HealthIndicatorService,
  ServicesHealthIndicator,
];

/**
 * Services in a Nest application, one runtime for each application. Import it
 * once, with {@link ServicesModule.forRoot}; `Services`, {@link ServicesMetrics}
 * and {@link ServicesHealthIndicator} can then be injected.
 *
 * Served are the classes of the option `services` and all decorated classes that
 * any module provides. The provider is the instance for stateless calls; each
 * object gets an instance of its own from the same module, with the same
 * dependencies. Nest calls no lifecycle hooks on the instances of objects.
 *
 * Agents and function server start at the end of the application's own start,
 * before it listens (`onApplicationBootstrap`), and a failure is the
 * application's. They stop before it closes its connections
 * (`beforeApplicationShutdown`); what running calls need must therefore not be
 * closed before `onApplicationShutdown`. Signals reach them only with
 * `app.enableShutdownHooks()`.
 */
@Module({})
export class ServicesModule {
  /**
   * The application's start fails with ServicesError `BERTH_SERVICE_INVALID` (an option is out of
   * its range, a class is provided twice or is not a singleton, or two classes share an id),
   * ServerError or AgentError (the function server or an agent cannot start).
   *
   * @throws ServicesError `BERTH_SERVICE_INVALID` a listed class is not decorated
   */
  static forRoot(options: ServicesModuleOptions = {}): DynamicModule {
    const { services, imports, global, ...settings } = options;
    return assemble({ services, imports, global }, { provide: SERVICES_SETTINGS, useValue: settings });
  }

  /**
   * The same with settings that a factory makes; only the classes have to be
   * known before. A bus or store in them is given, and stays open: let a provider
   * of an imported module own it and close it in its `onApplicationShutdown`,
   * which comes after this module's.
   */
  static forRootAsync({ services, imports, global, inject, useFactory }: ServicesModuleAsyncOptions): DynamicModule {
    const settings: FactoryProvider = {
      provide: SERVICES_SETTINGS,
      inject: [...(inject ?? [])],
      useFactory: useFactory as FactoryProvider<ServicesSettings | Promise<ServicesSettings>>['useFactory'],
    };
    return assemble({ services, imports, global }, settings);
  }
}

type Shape = { readonly [K in 'services' | 'imports' | 'global']: ServicesModuleOptions[K] | undefined };

function assemble({ services = [], imports = [], global = false }: Shape, settings: Provider): DynamicModule {
  for (const service of services) requireDefinition(service);
  // Nest only calls `new`; that a class is abstract as a type is no matter to it.
  const served = services as readonly Type[];
  return {
    module: ServicesModule,
    global,
    imports: [DiscoveryModule, ...imports],
    providers: [settings, ...PROVIDERS, ...served],
    exports: [Services, ServicesMetrics, ServicesHealthIndicator, ...served],
  };
}
