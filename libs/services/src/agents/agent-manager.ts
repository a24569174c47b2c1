import { messageOf } from '@berth/errors';
import type { Log } from '@berth/observability';
import type { InvocationBus } from '../bus/invocation-bus.js';
import { requireDefinition, type ServiceClass } from '../definition/service-definition.js';
import { AgentError, invalid } from '../errors.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import { MAX_PARTITION, wholeNumber } from '../numbers.js';
import { objectIdText } from '../objects/object-id.js';
import type { ResolvedOptions } from '../runtime/services-options.js';
import { agentId } from './agent-id.js';
import { type AgentInfo, ObjectAgent, type ServedTarget } from './object-agent.js';

export interface StartAgentOptions {
  /** absent: every object of the service, and its stateless methods */
  readonly objectId?: string | bigint | undefined;
  /** 0..2^32-1; default: the runtime's */
  readonly partitionId?: number | undefined;
  /** invocations of this agent that may run at once, 1..10,000; default: the runtime's `agentConcurrency` */
  readonly concurrency?: number | undefined;
}

/** Most invocations of an agent that run at once. */
export const MAX_CONCURRENCY = 10_000;

/** Names an agent by what it serves. */
export interface AgentSelector {
  readonly service: ServiceClass;
  readonly objectId?: string | bigint | undefined;
  readonly partitionId?: number | undefined;
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
    const { id } = target;
    if (![...target.definition.members.values()].some((member) => member.serveWithAgent))
      throw refusing(`${id} has nothing for an agent: mark a method with serveWithAgent`);
    const concurrency = options.concurrency ?? this.options.agentConcurrency;
    wholeNumber('concurrency', concurrency, 1, MAX_CONCURRENCY, refusing);
    // One whose bus was closed runs no more; this one takes its place.
    if ((this.#agents.get(id)?.state ?? 'stopped') !== 'stopped')
      throw new AgentError('BERTH_OBJECT_AGENT_RUNNING', `Agent ${id} is already running`);
    const agent = new ObjectAgent(target);
    this.#agents.set(id, agent);
    try {
      await agent.start(this.bus, this.handle, concurrency);
    } catch (thrown) {
      this.#forget(agent);
      throw failed('start', id, thrown);
    }
    this.log.info({ agent: id }, 'agent started');
    return id;
  }

  /**
   * Stops an agent; resolves when its calls have ended. One that is starting is
   * stopped as soon as it is up.
   *
   * @param which its id, or what it serves
   * @throws AgentError `BERTH_OBJECT_AGENT_NOT_RUNNING` no such agent, it is stopping already, its start failed,
   *   or neither id nor service given; `BERTH_OBJECT_AGENT_FAILED`
   */
  async stop(which: string | Partial<AgentSelector> | undefined): Promise<void> {
    const id = this.#idOf(which);
    const agent = this.#agents.get(id);
    if (agent === undefined || agent.state === 'stopping' || !(await this.#stop(agent)))
      throw new AgentError('BERTH_OBJECT_AGENT_NOT_RUNNING', `Agent ${id} is not running`);
  }

  /**
   * Stops all agents, side by side; one that fails keeps no other from being
   * stopped (checklist B9). Those that are starting or stopping are waited for.
   *
   * @throws AgentError `BERTH_OBJECT_AGENT_FAILED`, `details.failures`: id → what went wrong
   */
  async stopAll(): Promise<void> {
    const failures: Record<string, string> = {};
    const stop = async (agent: ObjectAgent): Promise<void> => {
      try {
        await this.#stop(agent);
      } catch (thrown) {
        failures[agent.target.id] = messageOf(thrown);
      }
    };
    await Promise.all([...this.#agents.values()].map(stop));
    const ids = Object.keys(failures);
    if (ids.length > 0)
      throw new AgentError('BERTH_OBJECT_AGENT_FAILED', `these agents did not stop cleanly: ${ids.join(', ')}`, {
        failures,
      });
  }

  /** All agents, by id, in the order in which they were started (checklist B8). */
  list(): Record<string, AgentInfo> {
    return Object.fromEntries([...this.#agents].map(([id, agent]) => [id, agent.info()]));
  }

  #idOf(which: string | Partial<AgentSelector> | undefined): string {
    if (typeof which === 'string') return which;
    const { service, objectId, partitionId } = which ?? {};
    if (service === undefined)
      throw new AgentError('BERTH_OBJECT_AGENT_NOT_RUNNING', 'name the agent by its id or by its service');
    return this.#target({ service, objectId, partitionId }).id;
  }

  #target({ service, objectId, partitionId = this.options.defaultPartition }: AgentSelector): ServedTarget {
    const definition = requireDefinition(service, AgentError);
    wholeNumber('partitionId', partitionId, 0, MAX_PARTITION, refusing);
    const target = {
      ...{ service: definition.id, partitionId },
      objectId: objectId === undefined ? undefined : textOf(objectId),
    };
    return { ...target, definition, id: agentId(target, this.options.defaultPartition) };
  }

  /** @returns false: it had not come up. @throws AgentError `BERTH_OBJECT_AGENT_FAILED` */
  async #stop(agent: ObjectAgent): Promise<boolean> {
    const { id } = agent.target;
    let cameUp = false;
    try {
      cameUp = await agent.stop(this.options.agentStopTimeoutMs);
    } catch (thrown) {
      throw failed('stop', id, thrown);
    } finally {
      if (this.#forget(agent) && cameUp) this.log.info({ agent: id }, 'agent stopped');
    }
    return cameUp;
  }

  /** Another one may have its id already. @returns whether it was known */
  #forget(agent: ObjectAgent): boolean {
    return this.#agents.get(agent.target.id) === agent && this.#agents.delete(agent.target.id);
  }
}

const refusing = (message: string): Error => invalid(message, AgentError);

/** @throws AgentError `BERTH_SERVICE_BAD_OBJECT_ID` */
function textOf(objectId: string | bigint): string {
  try {
    return objectIdText(objectId);
  } catch (thrown) {
    throw new AgentError('BERTH_SERVICE_BAD_OBJECT_ID', messageOf(thrown));
  }
}

function failed(what: 'start' | 'stop', id: string, thrown: unknown): AgentError {
  return new AgentError(
    'BERTH_OBJECT_AGENT_FAILED',
    `Failed to ${what} agent ${id}: ${messageOf(thrown)}`,
    {},
    { cause: thrown },
  );
}
