import type { BusSubscription } from '../bus/invocation-bus.js';
import type { ServiceDefinition } from '../definition/service-definition.js';

/** `reconnecting`: it runs, and the broker is away; `stopped`: its bus was closed, and it can be started again. */
export type AgentState = 'starting' | 'running' | 'reconnecting' | 'stopping' | 'stopped';

/** What an agent serves: a service, or one object of it, in one partition. */
export interface AgentTarget {
  readonly id: string;
  readonly definition: ServiceDefinition;
  readonly objectId: string | undefined;
  readonly partitionId: number;
}

/**
 * `pkg.Service[:objectId][@partition]` (checklist B5). The partition is part of the identity; it is left out where it is
 * the runtime's default, so that the usual id is the one that the checklist names. Behind an object id with an `@` it
 * always stands: object `7@3` is not object `7` of partition 3.
 */
export function agentId(
  service: string,
  objectId: string | undefined,
  partitionId: number,
  defaultPartition: number,
): string {
  const object = objectId === undefined ? '' : `:${objectId}`;
  const plain = partitionId === defaultPartition && !object.includes('@');
  return `${service}${object}${plain ? '' : `@${partitionId}`}`;
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
  /** undefined: it did not come up */
  readonly #up: Promise<BusSubscription | undefined>;
  #subscription: BusSubscription | undefined;
  #stopping: Promise<boolean> | undefined;

  /** @param starting why it does not come up is told to whoever waits for it */
  constructor(
    private readonly target: AgentTarget,
    readonly starting: Promise<BusSubscription>,
  ) {
    this.#up = starting.then(
      (subscription) => (this.#subscription = subscription),
      () => undefined,
    );
  }

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
    return this.#stopping === undefined ? (this.#subscription?.state ?? 'starting') : 'stopping';
  }

  /**
   * Lets what runs end, `timeoutMs` at most. One that is starting is stopped as soon as it is up. However often it is
   * called, it is one stop.
   *
   * @returns false: it did not come up
   */
  stop(timeoutMs: number): Promise<boolean> {
    this.#stopping ??= this.#up.then(async (subscription) => {
      if (subscription !== undefined && subscription.state !== 'stopped') await subscription.stop(timeoutMs);
      return subscription !== undefined;
    });
    return this.#stopping;
  }
}
