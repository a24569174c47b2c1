import {
  type MemberDefinition,
  requireDefinition,
  type ServiceClass,
  type ServiceDefinition,
} from '../definition/service-definition.js';
import { checkStateFields } from '../definition/state-check.js';
import { invalid, ServicesError } from '../errors.js';
import { CallStats } from './call-stats.js';

/** What an instance is for: `stateless` all such calls of a service, `object` one active object. */
export type InstanceUse = 'stateless' | 'object';

/** Makes instances: one for all stateless calls of a service, and one for each active object. */
export type InstanceFactory = (target: ServiceClass, use: InstanceUse) => object | Promise<object>;

/** `new target()`, for classes that need nothing. */
export const construct: InstanceFactory = (target) => new (target as new () => object)();

/** A member with the figures of its calls. */
export interface ServedMember {
  readonly definition: MemberDefinition;
  readonly stats: CallStats;
}

/** A service of this runtime. */
export class ServedService {
  /** by wire name */
  readonly members: ReadonlyMap<string, ServedMember>;
  #shared: object | Promise<object> | undefined;
  #stateChecked = false;

  constructor(
    readonly definition: ServiceDefinition,
    private readonly factory: InstanceFactory,
  ) {
    this.members = new Map(
      [...definition.members].map(([name, member]) => [name, { definition: member, stats: new CallStats() }]),
    );
  }

  /** A new instance, for an object. @throws ServicesError `BERTH_INTERNAL` it could not be made; also as a rejection */
  create(): object | Promise<object> {
    return this.#make('object');
  }

  /**
   * Whether the state of a new object survives JSON; looked at once.
   *
   * @throws ServicesError `BERTH_SERVICE_INVALID`
   */
  checkState(instance: object): void {
    if (this.#stateChecked) return;
    checkStateFields(this.definition, instance);
    this.#stateChecked = true;
  }

  /**
   * The instance for stateless calls; a factory that failed is asked again by the next call.
   *
   * @throws ServicesError `BERTH_INTERNAL` it could not be made; also as a rejection
   */
  shared(): object | Promise<object> {
    if (this.#shared === undefined) {
      const made = this.#make('stateless');
      this.#shared = made;
      if (made instanceof Promise)
        void made.then(
          (instance: object) => (this.#shared = instance),
          () => (this.#shared = undefined),
        );
    }
    return this.#shared;
  }

  /** One that did not come in time: the next call asks the factory again. */
  forgetShared(making: object): void {
    if (this.#shared === making) this.#shared = undefined;
  }

  #make(use: InstanceUse): object | Promise<object> {
    try {
      const made = this.factory(this.definition.target, use);
      return made instanceof Promise ? made.then(given).catch(this.#failed) : given(made);
    } catch (thrown) {
      return this.#failed(thrown);
    }
  }

  /** The cause may hold what is nobody's business, such as the address of a database: it is for the log. */
  readonly #failed = (cause: unknown): never => {
    throw new ServicesError('BERTH_INTERNAL', `service ${this.definition.id} could not be made`, {}, { cause });
  };
}

function given(made: object | null | undefined): object {
  if (made === undefined || made === null) throw new TypeError('the option `create` gave nothing');
  return made;
}

/** The services of one runtime, by id. */
export class ServiceRegistry {
  readonly #services = new Map<string, ServedService>();

  /**
   * Adds a service; one that is there already stays as it is.
   *
   * @throws ServicesError `BERTH_SERVICE_INVALID` `@Service` is missing, or another class has the id
   */
  add(target: ServiceClass, factory: InstanceFactory): ServedService {
    const definition = requireDefinition(target);
    const present = this.#services.get(definition.id);
    if (present !== undefined) {
      if (present.definition.target === target) return present;
      throw invalid(
        `two classes, ${present.definition.target.name} and ${target.name}, are called '${definition.id}'; give one another name or package`,
      );
    }
    const service = new ServedService(definition, factory);
    this.#services.set(definition.id, service);
    return service;
  }

  /** @param id `package.Service` */
  get(id: string): ServedService | undefined {
    return this.#services.get(id);
  }

  all(): Iterable<ServedService> {
    return this.#services.values();
  }
}
