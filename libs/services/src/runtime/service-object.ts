import type { StartAgentOptions } from '../agents/agent-manager.js';
import type { ServiceClass } from '../definition/service-definition.js';
import { AgentError } from '../errors.js';
import { objectIdText } from '../objects/object-id.js';
import { identityOf, type ObjectIdentity, setIdentity } from '../objects/object-identity.js';
import { definitionOf } from '../definition/service-definition.js';
import { boundRuntime } from './binding.js';
import { defaultServices } from './default-services.js';
import type { Services } from './services.js';

/**
 * A base for services that want to know their object's id, and to start and
 * stop agents by class and by object (checklist B11). No service has to extend it.
 */
export abstract class ServiceObject {
  /** Starts an agent for this service, or for one of its objects. @throws AgentError */
  static startAgent(this: ServiceClass, options?: StartAgentOptions): Promise<string> {
    return runtimeOf(this).startAgent(this, options);
  }

  /** Stops it. @throws AgentError */
  static stopAgent(
    this: ServiceClass,
    options: Pick<StartAgentOptions, 'objectId' | 'partitionId'> = {},
  ): Promise<void> {
    return runtimeOf(this).stopAgent({ ...options, service: this });
  }

  /**
   * A handle on an object, to start and stop its agent. It carries no state: calls go through a client.
   *
   * @throws AgentError `BERTH_SERVICE_INVALID` the class is not decorated; ServicesError `BERTH_SERVICE_BAD_OBJECT_ID`
   */
  static instance<T extends object>(this: new () => T, objectId: string | bigint, partition = 0): T {
    const definition = definitionOf(this);
    if (definition === undefined)
      throw new AgentError('BERTH_SERVICE_INVALID', `Service class ${this.name} not registered`);
    const instance = new this();
    setIdentity(instance, { service: definition.id, partition, objectId: objectIdText(objectId) });
    return instance;
  }

  /** Of this object; `undefined` in the instance that serves stateless calls. */
  get objectId(): string | undefined {
    return identityOf(this)?.objectId;
  }

  /** Starts an agent for this object. @throws AgentError */
  startInstanceAgent(): Promise<string> {
    const { objectId, partition: partitionId } = this.#identity();
    return this.#runtime().startAgent(this.constructor as ServiceClass, { objectId, partitionId });
  }

  /** Stops it. @throws AgentError */
  stopInstanceAgent(): Promise<void> {
    const { objectId, partition: partitionId } = this.#identity();
    return this.#runtime().stopAgent({ service: this.constructor as ServiceClass, objectId, partitionId });
  }

  #runtime(): Services {
    return runtimeOf(this.constructor as ServiceClass);
  }

  #identity(): ObjectIdentity {
    const identity = identityOf(this);
    if (identity === undefined)
      throw new AgentError(
        'BERTH_SERVICE_BAD_OBJECT_ID',
        `this ${this.constructor.name} is no object: take one with ${this.constructor.name}.instance(objectId)`,
      );
    return identity;
  }
}

function runtimeOf(service: ServiceClass): Services {
  return boundRuntime(service) ?? defaultServices();
}
