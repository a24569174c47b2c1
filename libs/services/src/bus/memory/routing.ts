import type { MemoryCall } from './call.js';
import { type Linked, LinkedList } from './linked-list.js';
import type { Worker } from './worker.js';

/**
 * Subscriptions that compete for the same invocations.
 *
 * Invariant between two turns of the bus: while a lane is in `ready`, no worker of the group is free.
 */
export class Group {
  readonly workers: Worker[] = [];
  /** lanes with something that could begin now */
  readonly ready = new LinkedList<Lane>();
  private turn = 0;

  /** The next one by turns that is free. */
  pick(): Worker | undefined {
    const { workers } = this;
    for (let i = 0; i < workers.length; i += 1) {
      this.turn = this.turn + 1 < workers.length ? this.turn + 1 : 0;
      const worker = workers[this.turn] as Worker;
      if (worker.free) return worker;
    }
    return undefined;
  }

  join(worker: Worker): void {
    this.workers.push(worker);
    worker.groups.push(this);
  }

  leave(worker: Worker): void {
    const at = this.workers.indexOf(worker);
    if (at >= 0) this.workers.splice(at, 1);
  }
}

/** The invocations of one object, which run one at a time, or of one stateless method. */
export class Lane implements Linked<Lane> {
  prev: Lane | undefined = undefined;
  next: Lane | undefined = undefined;
  list: LinkedList<Lane> | undefined = undefined;
  readonly waiting = new LinkedList<MemoryCall>();
  /** how many run */
  active = 0;
  /** nothing may begin: another process has, or still runs, this object */
  held = false;

  /**
   * @param name the object's id or the method's name
   * @param serial one at a time
   * @param group who may take what waits here; changes when subscriptions of this object come and go
   */
  constructor(
    readonly scope: Scope,
    readonly name: string,
    readonly serial: boolean,
    public group: Group,
  ) {}

  get mayBegin(): boolean {
    return !this.held && !(this.serial && this.active > 0);
  }

  /** Lists the lane where workers look, or takes it away, after any change of what waits or runs. */
  update(): void {
    if (this.waiting.size > 0 && this.mayBegin) {
      if (this.list === undefined) this.group.ready.push(this);
    } else {
      this.list?.remove(this);
      if (this.waiting.size === 0 && this.active === 0) this.scope.forget(this);
    }
  }

  /** Others serve this object now. */
  move(group: Group): void {
    this.list?.remove(this);
    this.group = group;
    this.update();
  }
}

/** One service in one partition. */
export class Scope {
  /** objects with something that waits or runs */
  readonly objects = new Map<string, Lane>();
  readonly methods = new Map<string, Lane>();
  /** subscriptions of every object */
  readonly everyObject = new Group();
  /** subscriptions of one object; those without a worker are not kept */
  readonly byObject = new Map<string, Group>();

  constructor(
    readonly service: string,
    readonly partition: number,
  ) {}

  groupOf(objectId: string): Group {
    return (this.byObject.size === 0 ? undefined : this.byObject.get(objectId)) ?? this.everyObject;
  }

  join(worker: Worker, statelessMethods: readonly string[]): void {
    const { objectId } = worker;
    let group = this.everyObject;
    if (objectId !== undefined) {
      group = this.byObject.get(objectId) ?? new Group();
      this.byObject.set(objectId, group);
    }
    group.join(worker);
    if (objectId !== undefined) this.objects.get(objectId)?.move(group);
    for (const method of new Set(statelessMethods)) {
      let lane = this.methods.get(method);
      if (lane === undefined) {
        lane = new Lane(this, method, false, new Group());
        this.methods.set(method, lane);
      }
      lane.group.join(worker);
    }
  }

  leave(worker: Worker): void {
    for (const group of worker.groups) group.leave(worker);
    const { objectId } = worker;
    if (objectId !== undefined && this.byObject.get(objectId)?.workers.length === 0) {
      this.byObject.delete(objectId);
      this.objects.get(objectId)?.move(this.everyObject);
    }
    for (const lane of this.methods.values()) lane.update();
  }

  /** To be called before something waits or runs in a lane that may be new. */
  keep(lane: Lane): void {
    if (lane.serial && lane.waiting.size === 0 && lane.active === 0) this.objects.set(lane.name, lane);
  }

  /** Nothing waits or runs in it. */
  forget(lane: Lane): void {
    if (lane.serial) {
      // Another one may have its name by now.
      if (this.objects.get(lane.name) === lane) this.objects.delete(lane.name);
    } else if (lane.group.workers.length === 0) this.methods.delete(lane.name);
  }
}
