import type { BusHandler, BusSubscription, InvocationBus } from '../bus/invocation-bus.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import type { ServiceDefinition } from '../definition/service-definition.js';
import type { AgentTarget } from './agent-id.js';

/** `reconnecting`: it runs, and the broker is away. */
export type AgentState = 'starting' | 'running' | 'reconnecting' | 'stopping';

/** One agent: a subscription of the bus, and what is known of it. */
export class ObjectAgent {
  readonly startedAt = new Date();
  #state: AgentState = 'starting';
  #subscription: BusSubscription | undefined;

  constructor(
    readonly id: string,
    readonly definition: ServiceDefinition,
    readonly target: AgentTarget,
  ) {}

  get state(): AgentState {
    return this.#subscription?.state === 'reconnecting' && this.#state === 'running' ? 'reconnecting' : this.#state;
  }

  /** @throws ServicesError `BERTH_SERVICE_BUS_UNAVAILABLE` */
  async start(bus: InvocationBus, handle: InvocationHandler, concurrency: number): Promise<void> {
    const { service, partitionId: partition, objectId } = this.target;
    const served = [...this.definition.members.values()].filter((member) => member.serveWithAgent);
    const statelessMethods = served.filter((member) => member.stateless).map((member) => member.name);
    // The signal is made when somebody reads it.
    const handler: BusHandler = (delivery) => handle(delivery.invocation, 'agent', () => delivery.signal);
    this.#subscription = await bus.serve({ service, partition, objectId, statelessMethods, concurrency }, handler);
    this.#state = 'running';
  }

  /** Lets what runs end, `timeoutMs` at most. */
  async stop(timeoutMs: number): Promise<void> {
    this.#state = 'stopping';
    await this.#subscription?.stop(timeoutMs);
  }
}
