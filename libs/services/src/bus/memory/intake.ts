import type { Invocation } from '../../invocation/invocation.js';
import type { BusLimits } from '../bus-options.js';
import { busy, cancelled, noAgent, timedOut, tooLarge } from '../refusals.js';
import type { Placement } from './placement.js';
import { Lane, Scope } from './routing.js';

/** Decides what comes in, where it goes, and counts what is inside. */
export class Intake {
  private readonly scopes = new Map<string, Map<number, Scope>>();
  private pendingCalls = 0;
  private pendingBytes = 0;

  constructor(
    private readonly limits: BusLimits,
    private readonly placement: Placement | undefined,
  ) {}

  /**
   * Where an invocation would go. Changes nothing: it is not accepted yet.
   *
   * @param late its deadline has passed
   * @throws ServicesError see {@link InvocationBus.invoke}
   */
  admit(invocation: Invocation, signal: AbortSignal | undefined, late: boolean): Lane {
    const { limits } = this;
    const { objectId, payload } = invocation;
    if (signal?.aborted === true) throw cancelled(invocation);
    if (payload.length > limits.maxPayloadBytes) throw tooLarge(invocation, limits);
    if (late) throw timedOut(invocation);
    const scope = this.find(invocation.service, invocation.partition);
    if (scope === undefined) throw noAgent(invocation);
    const lane = objectId === undefined ? scope.methods.get(invocation.method) : scope.objects.get(objectId);
    const group = lane?.group ?? (objectId === undefined ? undefined : scope.groupOf(objectId));
    if (group === undefined || group.workers.length === 0) throw noAgent(invocation);
    if (this.pendingCalls >= limits.maxPendingCalls) throw busy(invocation, 'maxPendingCalls', limits.maxPendingCalls);
    if (this.pendingBytes + payload.length > limits.maxPendingBytes)
      throw busy(invocation, 'maxPendingBytes', limits.maxPendingBytes);
    if (lane === undefined) {
      const made = new Lane(scope, objectId as string, true, group);
      made.held =
        this.placement !== undefined && this.placement.of(scope.service, scope.partition, made.name) !== 'here';
      return made;
    }
    const bound = lane.serial ? 'maxQueuedPerObject' : 'maxQueuedPerMethod';
    if (lane.waiting.size >= limits[bound]) throw busy(invocation, bound, limits[bound]);
    return lane;
  }

  /** @param payload of an accepted invocation */
  accepted(payload: Uint8Array): void {
    this.pendingCalls += 1;
    this.pendingBytes += payload.length;
  }

  /** @param payload the one given to {@link accepted} */
  ended(payload: Uint8Array): void {
    this.pendingCalls -= 1;
    this.pendingBytes -= payload.length;
  }

  find(service: string, partition: number): Scope | undefined {
    return this.scopes.get(service)?.get(partition);
  }

  /** The scope of a subscription. */
  scopeFor(service: string, partition: number): Scope {
    const partitions = this.scopes.get(service) ?? new Map<number, Scope>();
    this.scopes.set(service, partitions);
    let scope = partitions.get(partition);
    if (scope === undefined) {
      scope = new Scope(service, partition);
      partitions.set(partition, scope);
    }
    return scope;
  }

  /** All lanes with what waits in them. */
  lanes(): Lane[] {
    const scopes = [...this.scopes.values()].flatMap((partitions) => [...partitions.values()]);
    return scopes.flatMap(({ objects, methods }) => [...objects.values(), ...methods.values()]);
  }
}
