import { ServicesError } from '../../errors.js';
import type { Invocation } from '../../invocation/invocation.js';
import { checkObjectId } from '../../objects/object-id.js';
import type { BusLimits } from '../bus-options.js';
import { busy, cancelled, noAgent, timedOut, tooLarge } from '../refusals.js';
import type { Call } from './call.js';
import type { Presence } from './presence.js';
import { Group, Lane, Scope } from './routing.js';

/** Decides what comes in, where it goes, and counts what is inside. */
export class Intake {
  private readonly scopes = new Map<string, Map<number, Scope>>();
  /** what waits and runs: calls of this process, and of others */
  private readonly own = { calls: 0, bytes: 0 };
  private readonly others = { calls: 0, bytes: 0 };

  /** @param presence who else is there; absent: nobody ever */
  constructor(
    private readonly limits: BusLimits,
    private readonly presence: Presence | undefined,
  ) {}

  /**
   * Where an invocation would go. Changes nothing: it is not accepted yet.
   *
   * @param isOwn it is of this process
   * @param late its deadline has passed
   * @returns undefined: it is of another process, and not for this one
   * @throws ServicesError see {@link InvocationBus.invoke}
   */
  admit(invocation: Invocation, isOwn: boolean, signal: AbortSignal | undefined, late: boolean): Lane | undefined {
    const { limits } = this;
    const { payload } = invocation;
    if (signal?.aborted === true) throw cancelled(invocation);
    const isAway = this.presence?.isUp === false;
    const lane = this.laneFor(invocation, isOwn, isOwn && isAway);
    if (!isOwn && (lane === undefined || lane.elsewhere)) return undefined;
    if (payload.length > limits.maxPayloadBytes) throw tooLarge(invocation, limits);
    if (late) throw timedOut(invocation);
    if (lane === undefined || (lane.group.workers.length === 0 && !isAway)) throw noAgent(invocation);
    const pending = isOwn ? this.own : this.others;
    // Whoever calls from elsewhere has its own bound of calls; bytes of all of them are bounded here.
    if (isOwn && pending.calls >= limits.maxPendingCalls)
      throw busy(invocation, 'maxPendingCalls', limits.maxPendingCalls);
    if (pending.bytes + payload.length > limits.maxPendingBytes)
      throw busy(invocation, 'maxPendingBytes', limits.maxPendingBytes);
    const bound = lane.isObject ? 'maxQueuedPerObject' : 'maxQueuedPerMethod';
    if (lane.waiting.size >= limits[bound]) throw busy(invocation, bound, limits[bound]);
    return lane;
  }

  /**
   * @param waits while the bus is away, nobody knows who serves what
   * @returns undefined: nobody serves its service, or its method
   */
  private laneFor(invocation: Invocation, isOwn: boolean, waits: boolean): Lane | undefined {
    const { service, partition, method, objectId } = invocation;
    const scope = this.find(service, partition) ?? (waits ? new Scope(service, partition) : undefined);
    if (objectId === undefined) {
      const lane = (isOwn ? scope?.methods : scope?.othersMethods)?.get(method);
      if (lane !== undefined || scope === undefined || !waits) return lane;
      return this.placed(new Lane(scope, scope.methods, method, new Group()));
    }
    const known = scope?.objects.get(objectId);
    if (known !== undefined) return this.presence?.lapsed === true ? this.placed(known) : known;
    // What others are sent has it in its message key.
    const problem = this.presence && checkObjectId(objectId);
    if (problem !== undefined) throw new ServicesError('BERTH_SERVICE_BAD_OBJECT_ID', problem);
    if (scope === undefined) return undefined;
    const made = new Lane(scope, scope.objects, objectId, scope.groupOf(objectId));
    return this.presence === undefined ? made : this.placed(made);
  }

  /** Decides who has a lane, and whether what waits in it may begin. */
  placed(lane: Lane): Lane {
    const { presence } = this;
    const { scope, name, isObject } = lane;
    lane.paused = false;
    const owner = isObject && presence !== undefined ? scope.ownerOf(name) : undefined;
    const isOthers = owner !== undefined && owner !== presence?.self;
    if (isObject) lane.move(isOthers ? owner.objects : scope.groupOf(name));
    if (presence !== undefined) {
      lane.elsewhere = isObject ? owner !== presence.self || presence.lapsed : lane.group.workers.length === 0;
      const mayBegin = owner === presence.self ? presence.mayRun(lane) : true;
      lane.held = !mayBegin || !(presence.isUp || lane.isOthers);
    }
    lane.update();
    return lane;
  }

  count(call: Call, by: 1 | -1): void {
    const pending = call.isOwn ? this.own : this.others;
    pending.calls += by;
    pending.bytes += by * call.invocation.payload.length;
  }

  /** To be called before something waits or runs in a lane that may be new, of a scope that nobody serves yet. */
  keep(lane: Lane, { service, partition }: Invocation): void {
    lane.keep();
    if (lane.scope.drop === undefined) this.add(lane.scope, service, partition);
  }

  private add(scope: Scope, service: string, partition: number): void {
    const partitions = this.scopes.get(service) ?? new Map<number, Scope>();
    this.scopes.set(service, partitions);
    partitions.set(partition, scope);
    scope.drop = () => {
      partitions.delete(partition);
      if (partitions.size === 0) this.scopes.delete(service);
    };
  }

  private find(service: string, partition: number): Scope | undefined {
    return this.scopes.get(service)?.get(partition);
  }

  /** The scope of a subscription. */
  scopeFor(service: string, partition: number): Scope {
    const scope = this.find(service, partition) ?? new Scope(service, partition);
    if (scope.drop === undefined) this.add(scope, service, partition);
    return scope;
  }

  /** All lanes with what waits in them. */
  lanes(): Lane[] {
    const scopes = [...this.scopes.values()].flatMap((partitions) => [...partitions.values()]);
    return scopes.flatMap((scope) => scope.lanes());
  }
}
