import {
  type MemberDefinition,
  requireDefinition,
  type ServiceClass,
  type ServiceDefinition,
} from '../definition/service-definition.js';
import { checkStateFields } from '../definition/state-check.js';
import { invalid, ServicesError } from '../errors.js';
import { CallStats, ErrorWindow } from './call-stats.js';

/** What an instance is for: `stateless` all such calls of a service, `object` one active object. */
export type InstanceUse = 'stateless' | 'object';

/** Makes instances: one for all stateless calls of a service, and one for each active object. */
export type InstanceFactory = (target: ServiceClass, use: InstanceUse) => object | Promise<object>;

/** `new target()`, for classes that need nothing. */
export const construct: InstanceFactory = (target) => new (target as new () => object)();

/** A service of a runtime. */
export class ServedService {
  /** by wire name, with the figures of its calls */
  readonly members: ReadonlyMap<string, { readonly definition: MemberDefinition; readonly stats: CallStats }>;
  /** how its calls ended of late */
  readonly window = new ErrorWindow();
  #shared: object | Promise<object> | undefined;
  #stateChecked = false;

  constructor(
    readonly definition: ServiceDefinition,
    private readonly factory: InstanceFactory,
  ) {
    const served = (member: MemberDefinition) => ({ definition: member, stats: new CallStats(this.window) });
    this.members = new Map([...definition.members].map(([name, member]) => [name, served(member)]));
  }

  /** A new instance, for an object. @throws ServicesError `BERTH_INTERNAL` it could not be made; also as a rejection */
  create(): object | Promise<object> {
    return this.#make('object');
  }

  /** Whether the state of a new object survives JSON; looked at once. @throws ServicesError `BERTH_SERVICE_INVALID` */
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
    if (this.#shared !== undefined) return this.#shared;
    const made = this.#make('stateless');
    this.#shared = made;
    if (made instanceof Promise)
      made.then(
        (instance: object) => (this.#shared = instance),
        () => this.forgetShared(made),
      );
    return made;
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

/** The services of one runtime, by id, `package.Service`. */
export class ServiceRegistry extends Map<string, ServedService> {
  /**
   * Adds a service; one that is there already stays as it is.
   *
   * @throws ServicesError `BERTH_SERVICE_INVALID` `@Service` is missing, or another class has the id
   */
  add(target: ServiceClass, factory: InstanceFactory): ServedService {
    const definition = requireDefinition(target);
    const { id } = definition;
    const served = this.get(id) ?? new ServedService(definition, factory);
    const other = served.definition.target;
    if (other !== target)
      throw invalid(
        `two classes, ${other.name} and ${target.name}, are called '${id}'; give one another name or package`,
      );
    this.set(id, served);
    return served;
  }
}
