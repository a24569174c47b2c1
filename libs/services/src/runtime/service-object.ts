import type { StartAgentOptions } from '../agents/agent-manager.js';
import { requireDefinition, type ServiceClass } from '../definition/service-definition.js';
import { AgentError } from '../errors.js';
import { objectIdText } from '../objects/object-id.js';
import { identityOf, setIdentity } from '../objects/object-identity.js';
import { defaultServices, presentServices } from './default-services.js';
import { boundRuntime } from './services.js';

/** Names an object of a service. */
type Which = Pick<StartAgentOptions, 'objectId' | 'partitionId'>;

/**
 * A base for services that want to know their object's id, and to start and stop agents by class and by object
 * (checklist B11). No service has to extend it.
 */
export abstract class ServiceObject {
  /** Starts an agent for this service, or for one of its objects. @throws AgentError */
  static startAgent(this: ServiceClass, options?: StartAgentOptions): Promise<string> {
    return (boundRuntime(this) ?? defaultServices()).startAgent(this, options);
  }

  /** Stops it. @throws AgentError */
  static stopAgent(this: ServiceClass, options: Which = {}): Promise<void> {
    return (boundRuntime(this) ?? presentServices()).stopAgent({ ...options, service: this });
  }

  /**
   * A handle on an object, to start and stop its agent. It carries no state: calls go through a client.
   *
   * @param partition 0..2^32-1; default: that of the runtime which starts or stops the agent
   * @throws AgentError `BERTH_SERVICE_INVALID` the class is not decorated; ServicesError `BERTH_SERVICE_BAD_OBJECT_ID`
   */
  static instance<T extends object>(this: new () => T, objectId: string | bigint, partition?: number): T {
    requireDefinition(this, AgentError);
    const instance = new this();
    setIdentity(instance, { objectId: objectIdText(objectId), partition });
    return instance;
  }

  /** Of this object; `undefined` in the instance that serves stateless calls. */
  get objectId(): string | undefined {
    return identityOf(this)?.objectId;
  }

  /** Starts an agent for this object. @throws AgentError */
  startInstanceAgent(): Promise<string> {
    return this.#class.startAgent(this.#which());
  }

  /** Stops it. @throws AgentError */
  stopInstanceAgent(): Promise<void> {
    return this.#class.stopAgent(this.#which());
  }

  get #class(): typeof ServiceObject {
    return this.constructor as typeof ServiceObject;
  }

  #which(): Which {
    const handle = identityOf(this);
    if (handle !== undefined) return { objectId: handle.objectId, partitionId: handle.partition };
    const { name } = this.#class;
    const problem = `this ${name} is no object: take one with ${name}.instance(objectId)`;
    throw new AgentError('BERTH_SERVICE_BAD_OBJECT_ID', problem);
  }
}
