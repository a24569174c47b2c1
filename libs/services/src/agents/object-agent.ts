import type { BusSubscription, InvocationBus } from '../bus/invocation-bus.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import type { ServiceDefinition } from '../definition/service-definition.js';
import type { AgentTarget } from './agent-id.js';

/** `reconnecting`: it runs, and the broker is away; `stopped`: its bus was closed, and it can be started again. */
export type AgentState = 'starting' | 'running' | 'reconnecting' | 'stopping' | 'stopped';

/** What an agent serves. */
export interface ServedTarget extends AgentTarget {
  readonly id: string;
  readonly definition: ServiceDefinition;
}

/** One row of `listAgents` (checklist B8). */
export interface AgentInfo {
  readonly serviceName: string;
  readonly package: string;
  readonly objectId: string | undefined;
  readonly partitionId: number;
  /** ISO 8601 */
  readonly startedAt: string;
  /** ISO 8601 duration, such as `PT12.5S` */
  readonly runningDuration: string;
  readonly state: AgentState;
}

/** One agent: a subscription of the bus, and what is known of it. */
export class ObjectAgent {
  readonly #startedAt = new Date();
  readonly #startedMs = performance.now();
  #starting: Promise<BusSubscription> | undefined;
  #subscription: BusSubscription | undefined;
  #stopping: Promise<boolean> | undefined;

  constructor(readonly target: ServedTarget) {}

  info(): AgentInfo {
    const { definition, objectId, partitionId } = this.target;
    return {
      ...{ serviceName: definition.name, package: definition.package, objectId, partitionId },
      startedAt: this.#startedAt.toISOString(),
      runningDuration: `PT${((performance.now() - this.#startedMs) / 1000).toFixed(3)}S`,
      state: this.state,
    };
  }

  get state(): AgentState {
    if (this.#stopping !== undefined) return 'stopping';
    return this.#subscription?.state ?? 'starting';
  }

  /** @throws ServicesError `BERTH_SERVICE_BUS_UNAVAILABLE` */
  async start(bus: InvocationBus, handle: InvocationHandler, concurrency: number): Promise<void> {
    this.#starting = this.#serve(bus, handle, concurrency);
    this.#subscription = await this.#starting;
  }

  /**
   * Lets what runs end, `timeoutMs` at most. One that is starting is stopped as
   * soon as it is up. However often it is called, it is one stop.
   *
   * @returns false: it did not come up
   */
  stop(timeoutMs: number): Promise<boolean> {
    this.#stopping ??= this.#stop(timeoutMs);
    return this.#stopping;
  }

  async #stop(timeoutMs: number): Promise<boolean> {
    // Why it did not come up is told to whoever started it.
    const subscription = await this.#starting?.catch(() => undefined);
    if (subscription === undefined) return false;
    if (subscription.state !== 'stopped') await subscription.stop(timeoutMs);
    return true;
  }

  async #serve(bus: InvocationBus, handle: InvocationHandler, concurrency: number): Promise<BusSubscription> {
    const { service, partitionId: partition, objectId, definition } = this.target;
    const served = [...definition.members.values()].filter((member) => member.serveWithAgent);
    const statelessMethods = served.filter((member) => member.stateless).map((member) => member.name);
    return bus.serve({ service, partition, objectId, statelessMethods, concurrency }, (delivery) =>
      handle(delivery.invocation, 'agent', delivery),
    );
  }
}
