import type { InjectionToken, ModuleMetadata, OptionalFactoryDependency } from '@nestjs/common';
import type { Registry, RegistryContentType } from 'prom-client';
import type { ServiceClass, ServicesOptions, StartAgentOptions } from 'berth-services';

/** The function server of an application: its limits, address and TLS, and whether it starts by itself. */
export type ServicesServerOptions = NonNullable<ServicesOptions['server']> & {
  /** where it listens when it starts with the application, 0..65535, 0: any free one; default 8080 */
  readonly port?: number;
  /** default true; false: only `Services.startServer` starts it */
  readonly autoStart?: boolean;
};

/** An agent that starts with the application: for all objects of a service, or as the options say. */
export type AgentToStart = ServiceClass | (StartAgentOptions & { readonly service: ServiceClass });

/** What can be known as late as when the application is made. */
export interface ServicesSettings extends Omit<ServicesOptions, 'create' | 'services' | 'server'> {
  /** absent: no function server starts with the application */
  readonly server?: ServicesServerOptions;
  /** agents that start with the application; default none */
  readonly agents?: readonly AgentToStart[];
  /** `registry`: where the metrics are shown; default one of their own, `ServicesMetrics.registry` */
  readonly metrics?: { readonly registry?: Registry<RegistryContentType> };
}

/** {@link ServicesModule.forRoot} */
export interface ServicesModuleOptions extends ServicesSettings {
  /**
   * Decorated classes to serve that no other module provides. The module makes
   * them its providers and exports them. Those that another module provides are
   * found there, and must not be listed here.
   */
  readonly services?: readonly ServiceClass[];
  /** classes whose clients can be injected with `@InjectService(Class)`, beside the listed services: those that other modules provide, or agents elsewhere */
  readonly clients?: readonly ServiceClass[];
  /** modules whose providers the listed services need */
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  /** whether every module can inject what this one exports; default false */
  readonly global?: boolean;
}

/** {@link ServicesModule.forRootAsync} */
export interface ServicesModuleAsyncOptions extends Pick<
  ServicesModuleOptions,
  'services' | 'clients' | 'imports' | 'global'
> {
  /** what `useFactory` is given, in this order */
  readonly inject?: readonly (InjectionToken | OptionalFactoryDependency)[];
  readonly useFactory: (...args: never[]) => ServicesSettings | Promise<ServicesSettings>;
}

/** Token of the {@link ServicesSettings}. */
export const SERVICES_SETTINGS = Symbol('berth services settings');
