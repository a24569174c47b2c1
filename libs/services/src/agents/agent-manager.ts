import { messageOf } from '@berth/errors';
import type { Log } from '@berth/observability';
import type { BusSubscription, InvocationBus, Subscription } from '../bus/invocation-bus.js';
import { requireDefinition, type ServiceClass } from '../definition/service-definition.js';
import { AgentError, invalid } from '../errors.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import { MAX_PARTITION, wholeNumber } from '../numbers.js';
import { objectIdText } from '../objects/object-id.js';
import type { ResolvedOptions } from '../runtime/services-options.js';
import { agentId, type AgentInfo, type AgentTarget, ObjectAgent } from './object-agent.js';

/** Most invocations of an agent that run at once. */
export const MAX_CONCURRENCY = 10_000;

interface AgentPlace {
  /** absent: every object of the service, and its stateless methods */
  readonly objectId?: string | bigint | undefined;
  /** 0..2^32-1; default: the runtime's */
  readonly partitionId?: number | undefined;
}

export interface StartAgentOptions extends AgentPlace {
  /** invocations of this agent that may run at once, 1..10,000; default: the runtime's `agentConcurrency` */
  readonly concurrency?: number | undefined;
}

/** Names an agent by what it serves. */
export interface AgentSelector extends AgentPlace {
  readonly service: ServiceClass;
}

/** Starts and stops agents, each known by its id (checklist B5 to B9). */
export class AgentManager {
  readonly #agents = new Map<string, ObjectAgent>();

  constructor(
    private readonly bus: InvocationBus,
    private readonly handle: InvocationHandler,
    private readonly options: Pick<ResolvedOptions, 'defaultPartition' | 'agentConcurrency' | 'agentStopTimeoutMs'>,
    private readonly log: Log,
  ) {}

  /**
   * Starts an agent; resolves when calls can reach it.
   *
   * @returns its id, `pkg.Service[:objectId][@partition]`
   * @throws AgentError `BERTH_SERVICE_INVALID` the class is not decorated or has nothing for agents,
   *   `BERTH_SERVICE_BAD_OBJECT_ID`, `BERTH_OBJECT_AGENT_RUNNING` it is there already,
   *   `BERTH_OBJECT_AGENT_FAILED` the bus refused
   */
  async start(service: ServiceClass, options: StartAgentOptions = {}): Promise<string> {
    const target = this.#target({ ...options, service });
    const { id, definition, objectId, partitionId: partition } = target;
    const served = [...definition.members.values()].filter((member) => member.serveWithAgent);
    if (served.length === 0) throw refusing(`${id} has nothing for an agent: mark a method with serveWithAgent`);
    const { concurrency = this.options.agentConcurrency } = options;
    wholeNumber('concurrency', concurrency, 1, MAX_CONCURRENCY, refusing);
    // One whose bus was closed runs no more; this one takes its place.
    if ((this.#agents.get(id)?.state ?? 'stopped') !== 'stopped')
      throw new AgentError('BERTH_OBJECT_AGENT_RUNNING', `Agent ${id} is already running`);
    const statelessMethods = served.filter((member) => member.stateless).map((member) => member.name);
    const subscription = { service: definition.id, partition, objectId, statelessMethods, concurrency };
    const agent = new ObjectAgent(target, this.#serve(subscription));
    this.#agents.set(id, agent);
    try {
      await agent.starting;
    } catch (thrown) {
      this.#forget(id, agent);
      throw failed('start', id, thrown);
    }
    this.log.info({ agent: id }, 'agent started');
    return id;
  }

  /**
   * Stops an agent; resolves when its calls have ended. One that is starting is stopped as soon as it is up.
   *
   * @param which its id, or what it serves
   * @throws AgentError `BERTH_OBJECT_AGENT_NOT_RUNNING` no such agent, it is stopping already, its start failed,
   *   or neither id nor service given; `BERTH_OBJECT_AGENT_FAILED`
   */
  async stop(which: string | Partial<AgentSelector> = {}): Promise<void> {
    const id = typeof which === 'string' ? which : this.#target(which).id;
    const agent = this.#agents.get(id);
    if (agent === undefined || agent.state === 'stopping' || !(await this.#stop(id, agent)))
      throw new AgentError('BERTH_OBJECT_AGENT_NOT_RUNNING', `Agent ${id} is not running`);
  }

  /**
   * Stops all agents, side by side; one that fails keeps no other from being stopped (checklist B9). Those that are
   * starting or stopping are waited for.
   *
   * @throws AgentError `BERTH_OBJECT_AGENT_FAILED`, `details.failures`: id → what went wrong
   */
  async stopAll(): Promise<void> {
    const failures: Record<string, string> = {};
    const stop = ([id, agent]: [string, ObjectAgent]): Promise<unknown> =>
      this.#stop(id, agent).catch((thrown: unknown) => (failures[id] = messageOf(thrown)));
    await Promise.all([...this.#agents].map(stop));
    const ids = Object.keys(failures).join(', ');
    if (ids !== '')
      throw new AgentError('BERTH_OBJECT_AGENT_FAILED', `these agents did not stop cleanly: ${ids}`, { failures });
  }

  /** All agents, by id, in the order in which they were started (checklist B8). */
  list(): Record<string, AgentInfo> {
    return Object.fromEntries([...this.#agents].map(([id, agent]) => [id, agent.info()]));
  }

  /** @throws AgentError `BERTH_OBJECT_AGENT_NOT_RUNNING` no service is named */
  #target({ service, objectId, partitionId = this.options.defaultPartition }: Partial<AgentSelector>): AgentTarget {
    if (service === undefined)
      throw new AgentError('BERTH_OBJECT_AGENT_NOT_RUNNING', 'name the agent by its id or by its service');
    const definition = requireDefinition(service, AgentError);
    wholeNumber('partitionId', partitionId, 0, MAX_PARTITION, refusing);
    const object = objectId === undefined ? undefined : objectIdText(objectId, AgentError);
    const id = agentId(definition.id, object, partitionId, this.options.defaultPartition);
    return { id, definition, objectId: object, partitionId };
  }

  async #serve(subscription: Subscription): Promise<BusSubscription> {
    return this.bus.serve(subscription, (delivery) => this.handle(delivery.invocation, 'agent', delivery));
  }

  /** @returns false: it had not come up. @throws AgentError `BERTH_OBJECT_AGENT_FAILED` */
  async #stop(id: string, agent: ObjectAgent): Promise<boolean> {
    let cameUp = false;
    try {
      cameUp = await agent.stop(this.options.agentStopTimeoutMs);
    } catch (thrown) {
      throw failed('stop', id, thrown);
    } finally {
      if (this.#forget(id, agent) && cameUp) this.log.info({ agent: id }, 'agent stopped');
    }
    return cameUp;
  }

  /** Another one may have its id already. @returns whether it was known */
  #forget(id: string, agent: ObjectAgent): boolean {
    return this.#agents.get(id) === agent && this.#agents.delete(id);
  }
}

const refusing = (message: string): Error => invalid(message, AgentError);

function failed(what: 'start' | 'stop', id: string, cause: unknown): AgentError {
  const message = `Failed to ${what} agent ${id}: ${messageOf(cause)}`;
  return new AgentError('BERTH_OBJECT_AGENT_FAILED', message, {}, { cause });
}
