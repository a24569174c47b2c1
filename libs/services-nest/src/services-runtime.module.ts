import { type DynamicModule, Module, type Provider, type Type } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { type ServiceClass, Services } from 'berth-services';
import { clientProvider } from './inject-service.js';
import { nestLog } from './nest-log.js';
import { ServiceInstances } from './service-instances.js';
import { ServicesMetrics } from './services-metrics.js';
import { SERVICES_SETTINGS, type ServicesModuleOptions, type ServicesSettings } from './services-module-options.js';

const PROVIDERS: Provider[] = [
  ServiceInstances,
  {
    provide: Services,
    inject: [SERVICES_SETTINGS, ServiceInstances],
    useFactory: ({ agents: _agents, metrics: _metrics, ...options }: ServicesSettings, { create }: ServiceInstances) =>
      // An empty list: only what this application provides is served, not all that is decorated.
      new Services({ log: nestLog(), ...options, services: [], create }),
  },
  ServicesMetrics,
];

interface Parts {
  /** provides {@link SERVICES_SETTINGS} */
  readonly settings: Provider;
  readonly services: readonly ServiceClass[];
  readonly clients: readonly ServiceClass[];
  readonly imports: NonNullable<ServicesModuleOptions['imports']>;
}

/**
 * The runtime and the listed services. A module of its own: within one module
 * Nest destroys first what has most dependencies below it, which may be a
 * service; the lifecycle has to come before all of them.
 */
@Module({})
export class ServicesRuntimeModule {
  static of({ settings, services, clients, imports }: Parts): DynamicModule {
    // Nest only calls `new`; that a class is abstract as a type is no matter to it.
    const served = services as readonly Type[];
    const callable = [...new Set([...services, ...clients])].map(clientProvider);
    return {
      module: ServicesRuntimeModule,
      imports: [DiscoveryModule, ...imports],
      providers: [settings, ...PROVIDERS, ...callable, ...served],
      exports: [SERVICES_SETTINGS, ServiceInstances, Services, ServicesMetrics, ...callable, ...served],
    };
  }
}
