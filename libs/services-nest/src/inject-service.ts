import { type FactoryProvider, Inject } from '@nestjs/common';
import { client, requireDefinition, type ServiceClass, Services } from 'berth-services';

const tokens = new WeakMap<ServiceClass, symbol>();

/** What Nest calls on every provider; a client would send them, as methods of its service. */
const HOOKS = [
  'onModuleInit',
  'onApplicationBootstrap',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
];

/** The token of a service's client, for a provider of your own: in tests, or for a service of another process. */
export function serviceClientToken(service: ServiceClass): symbol {
  let token = tokens.get(service);
  if (token === undefined) {
    token = Symbol(`client of ${service.name} (ServicesModule: services, or clients)`);
    tokens.set(service, token);
  }
  return token;
}

/**
 * Injects a client of a service of this application's runtime, a `ServiceClient<S>`. The class has to be listed in
 * `services` or `clients` of `ServicesModule`.
 */
export function InjectService(service: ServiceClass): ParameterDecorator & PropertyDecorator {
  return Inject(serviceClientToken(service));
}

/** Makes the client of a service. @throws ServicesError `BERTH_SERVICE_INVALID` the class is not decorated */
export function clientProvider(service: ServiceClass): FactoryProvider<object> {
  const { members } = requireDefinition(service);
  const offered = new Set([...members.values()].map(({ property }) => property));
  const hidden = Object.fromEntries(HOOKS.filter((hook) => !offered.has(hook)).map((hook) => [hook, {}]));
  return {
    provide: serviceClientToken(service),
    inject: [Services],
    useFactory: (services: Services) => Object.defineProperties(client(service, { services }), hidden),
  };
}
