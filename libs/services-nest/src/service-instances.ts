import { Inject, Injectable, type Type } from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import { definitionOf, type InstanceFactory, type ServiceClass, ServicesError } from 'berth-services';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Where a service's instances come from. */
interface Home {
  readonly module: string;
  readonly moduleRef: ModuleRef;
  /** the provider itself: serves the stateless calls */
  readonly provider: object;
  /** what Nest makes for an object; another class than the service where the provider was overridden */
  readonly objectClass: Type<object>;
}

/** Finds the services that the application provides, and makes their instances. */
@Injectable()
export class ServiceInstances {
  readonly #homes = new Map<ServiceClass, Home>();

  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
  ) {}

  /** Of a class that nobody provides (an agent can be started for any), the instances are made here. */
  readonly create: InstanceFactory = (target, use) => {
    const home = this.#homes.get(target);
    if (home === undefined) return this.moduleRef.create(target as Type<object>);
    return use === 'stateless' ? home.provider : home.moduleRef.create(home.objectClass);
  };

  /**
   * Looks through all modules; called once, when all providers are made.
   *
   * @returns the decorated classes among them
   * @throws ServicesError `BERTH_SERVICE_INVALID` one is provided twice, or is not a singleton
   */
  find(): ServiceClass[] {
    for (const wrapper of this.discovery.getProviders()) {
      const target = serviceOf(wrapper);
      if (target !== undefined) this.#settle(target, wrapper);
    }
    return [...this.#homes.keys()];
  }

  #settle(target: ServiceClass, wrapper: Wrapper): void {
    const moduleRef = wrapper.host?.getProviderByKey<ModuleRef>(ModuleRef).instance ?? this.moduleRef;
    // The listed ones are in the module of this class, whose name users do not know.
    const module = moduleRef === this.moduleRef ? 'ServicesModule' : (wrapper.host?.name ?? 'the application');
    const other = this.#homes.get(target);
    if (other !== undefined)
      throw invalid(
        `${target.name} is provided by ${other.module} and by ${module}: provide it in one of them and export it`,
      );
    if (wrapper.isTransient || !wrapper.isDependencyTreeStatic())
      throw invalid(
        `${target.name} (${module}) is not a singleton, by its scope or by a dependency's: services outlive requests, give it the default scope`,
      );
    const objectClass = (wrapper.isNotMetatype ? target : wrapper.metatype) as Type<object>;
    this.#homes.set(target, { module, moduleRef, provider: wrapper.instance as object, objectClass });
  }
}

/** The service that a provider is: by its token, so that an overridden one stays what it was, or by its class. */
function serviceOf(wrapper: Wrapper): ServiceClass | undefined {
  if (wrapper.isAlias) return undefined;
  return [wrapper.token, wrapper.metatype].find(isService);
}

function isService(candidate: unknown): candidate is ServiceClass {
  return typeof candidate === 'function' && definitionOf(candidate as ServiceClass) !== undefined;
}

function invalid(message: string): ServicesError {
  return new ServicesError('BERTH_SERVICE_INVALID', message);
}
