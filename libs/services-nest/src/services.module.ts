import { type DynamicModule, type FactoryProvider, Inject, Module, type Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { HealthIndicatorService } from '@nestjs/terminus';
import { requireDefinition, ServicesError } from 'berth-services';
import { ServicesHealthIndicator } from './services-health.indicator.js';
import { ServicesLifecycle } from './services-lifecycle.js';
import {
  SERVICES_SETTINGS,
  type ServicesModuleAsyncOptions,
  type ServicesModuleOptions,
  type ServicesSettings,
} from './services-module-options.js';
import { ServicesRuntimeModule } from './services-runtime.module.js';

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
 * Agents and function server start when all other modules are ready, and before
 * the application listens (`onApplicationBootstrap`); a failure is the
 * application's. They stop before any other module is destroyed
 * (`onModuleDestroy`), so that running calls end while all that they need is
 * there. Signals reach them only with `app.enableShutdownHooks()`.
 */
@Module({})
export class ServicesModule {
  /** @throws ServicesError `BERTH_SERVICE_INVALID` the application imports it more than once */
  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    const own = [...modules.values()].filter(({ metatype }) => metatype === ServicesModule);
    if (own.length > 1)
      throw new ServicesError(
        'BERTH_SERVICE_INVALID',
        `ServicesModule is imported ${own.length} times: call forRoot or forRootAsync once, with global: true where several modules inject from it`,
      );
    // Nest calls hooks by the distance from the root module, at the start the far ones first, at
    // the end the near ones. Services may be in any module, the root too: this one is before it.
    for (const module of own) module.distance = BEFORE_THE_ROOT;
  }

  /**
   * The application's start fails with ServicesError `BERTH_SERVICE_INVALID` (an option is out of
   * its range, a class is provided twice or is not a singleton, two classes share an id, or this
   * module is imported twice), ServerError or AgentError (the function server or an agent cannot start).
   *
   * @throws ServicesError `BERTH_SERVICE_INVALID` a listed class is not decorated
   */
  static forRoot(options: ServicesModuleOptions = {}): DynamicModule {
    const { services, clients, imports, global, ...settings } = options;
    return assemble({ services, clients, imports, global }, { provide: SERVICES_SETTINGS, useValue: settings });
  }

  /**
   * The same with settings that a factory makes; only the classes have to be
   * known before. A bus or store in them is given, and stays open: let a provider
   * of an imported module own it and close it in its `onApplicationShutdown`,
   * which comes after this module's.
   */
  static forRootAsync({
    services,
    clients,
    imports,
    global,
    inject,
    useFactory,
  }: ServicesModuleAsyncOptions): DynamicModule {
    const settings: FactoryProvider = {
      provide: SERVICES_SETTINGS,
      inject: [...(inject ?? [])],
      useFactory: useFactory as FactoryProvider<ServicesSettings | Promise<ServicesSettings>>['useFactory'],
    };
    return assemble({ services, clients, imports, global }, settings);
  }
}

/** The root module has 1. */
const BEFORE_THE_ROOT = -1;

type Shape = { readonly [K in 'services' | 'clients' | 'imports' | 'global']: ServicesModuleOptions[K] | undefined };

function assemble(
  { services = [], clients = [], imports = [], global = false }: Shape,
  settings: Provider,
): DynamicModule {
  for (const service of [...services, ...clients]) requireDefinition(service);
  // Not global itself: Nest destroys global modules last, and what they import before them.
  const runtime = ServicesRuntimeModule.of({ settings, services, clients, imports });
  return {
    module: ServicesModule,
    global,
    imports: [runtime],
    // HealthIndicatorService has no state that has to be shared: who wants no terminus endpoint needs no TerminusModule.
    providers: [ServicesLifecycle, HealthIndicatorService, ServicesHealthIndicator],
    exports: [runtime, ServicesHealthIndicator],
  };
}
