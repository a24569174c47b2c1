import { ServicesError } from '../../errors.js';
import type { Invocation } from '../../invocation/invocation.js';
import { checkObjectId } from '../../objects/object-id.js';
import type { LetterBox } from '../../letters/letter-box.js';
import type { BusLimits } from '../bus-options.js';
import { busy, cancelled, noAgent, timedOut, tooLarge } from '../refusals.js';
import { type OutCall, type OutLane, OutScope } from './out-call.js';
import type { Route } from './routes.js';
import { steadyNow } from '../../runtime/clock.js';

/** How calls get to members. */
export interface Sender {
  /** @returns false: nothing can be sent now */
  readonly isUp: boolean;
  /** why not */
  readonly trouble: string;
  route(service: string, partition: number): Route;
  send(to: string, call: OutCall): void;
  /** whoever has it need not go on */
  left(to: string, number: number): void;
  readonly letters: LetterBox;
}

/** Decides which calls of this process are accepted, and counts them. */
export class OutIntake {
  private readonly scopes = new Map<string, Map<number, OutScope>>();
  private calls = 0;
  private bytes = 0;

  constructor(
    private readonly sender: Pick<Sender, 'isUp' | 'route'>,
    private readonly limits: BusLimits,
  ) {}

  /** @throws ServicesError see {@link InvocationBus.invoke} */
  admit(invocation: Invocation, signal: AbortSignal | undefined, deadline: number): OutLane {
    const { limits } = this;
    const { service, partition, method, objectId, payload } = invocation;
    if (signal?.aborted === true) throw cancelled(invocation);
    const problem = objectId === undefined ? undefined : checkObjectId(objectId);
    if (problem !== undefined) throw new ServicesError('BERTH_SERVICE_BAD_OBJECT_ID', problem);
    if (payload.length > limits.maxPayloadBytes) throw tooLarge(invocation, limits);
    if (deadline <= steadyNow()) throw timedOut(invocation);
    const route = this.sender.route(service, partition);
    if (this.sender.isUp && !hasAgent(route, invocation)) throw noAgent(invocation);
    if (this.calls >= limits.maxPendingCalls) throw busy(invocation, 'maxPendingCalls', limits.maxPendingCalls);
    if (this.bytes + payload.length > limits.maxPendingBytes)
      throw busy(invocation, 'maxPendingBytes', limits.maxPendingBytes);
    const isObject = objectId !== undefined;
    const lane = this.scope(service, partition).laneOf(objectId ?? method, isObject);
    const bound = isObject ? 'maxQueuedPerObject' : 'maxQueuedPerMethod';
    if (lane.waiting.size >= limits[bound]) throw busy(invocation, bound, limits[bound]);
    return lane;
  }

  /** @param payload of an accepted call */
  accepted(payload: Uint8Array): void {
    this.calls += 1;
    this.bytes += payload.length;
  }

  /** @param payload the one given to {@link accepted} */
  ended(payload: Uint8Array): void {
    this.calls -= 1;
    this.bytes -= payload.length;
  }

  /** All lanes with something that waits or is at a member. */
  lanes(): OutLane[] {
    const scopes = [...this.scopes.values()].flatMap((partitions) => [...partitions.values()]);
    return scopes.flatMap(({ objects, methods }) => [...objects.values(), ...methods.values()]);
  }

  private scope(service: string, partition: number): OutScope {
    const partitions = this.scopes.get(service) ?? new Map<number, OutScope>();
    this.scopes.set(service, partitions);
    let scope = partitions.get(partition);
    if (scope === undefined) {
      scope = new OutScope(service, partition);
      partitions.set(partition, scope);
    }
    return scope;
  }
}

/** Whether anybody takes such a call. */
export function hasAgent(route: Route, { objectId, method }: Invocation): boolean {
  return objectId === undefined ? route.membersFor(method) !== undefined : route.ownerOf(objectId) !== undefined;
}
