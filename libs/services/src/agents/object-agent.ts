import type { BusSubscription, InvocationBus } from '../bus/invocation-bus.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import type { ServiceDefinition } from '../definition/service-definition.js';
import type { AgentTarget } from './agent-id.js';

/** `reconnecting`: it runs, and the broker is away; `stopped`: its bus was closed, and it can be started again. */
export type AgentState = 'starting' | 'running' | 'reconnecting' | 'stopping' | 'stopped';

/** One agent: a subscription of the bus, and what is known of it. */
export class ObjectAgent {
  readonly startedAt = new Date();
  readonly #startedAt = performance.now();
  #starting: Promise<BusSubscription> | undefined;
  #subscription: BusSubscription | undefined;
  #stopping: Promise<boolean> | undefined;

  constructor(
    readonly id: string,
    readonly definition: ServiceDefinition,
    readonly target: AgentTarget,
  ) {}

  get runningMs(): number {
    return performance.now() - this.#startedAt;
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
    const { service, partitionId: partition, objectId } = this.target;
    const served = [...this.definition.members.values()].filter((member) => member.serveWithAgent);
    const statelessMethods = served.filter((member) => member.stateless).map((member) => member.name);
    return bus.serve({ service, partition, objectId, statelessMethods, concurrency }, (delivery) =>
      handle(delivery.invocation, 'agent', delivery),
    );
  }
}
