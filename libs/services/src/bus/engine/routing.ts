import type { Call } from './call.js';
import { hash } from './hash.js';
import { type Linked, LinkedList } from '../../runtime/linked-list.js';
import type { Member } from './member.js';
import type { Worker } from './worker.js';

/**
 * Workers that compete for the same calls.
 *
 * Invariant between two turns of the bus: while a lane is in `ready`, no worker of the group is free.
 */
export class Group {
  /** those that take what is ready */
  readonly workers: Worker[] = [];
  /** those of other processes that serve the same objects: each object has one owner among all of them */
  readonly others: Worker[] = [];
  /** lanes with something that could begin now */
  readonly ready = new LinkedList<Lane>();
  private turn = 0;

  /** @param member the other process whose objects these are: it has the queues of them, and is sent all calls at once */
  constructor(readonly member?: Member) {}

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
    for (const workers of [this.workers, this.others]) {
      const at = workers.indexOf(worker);
      if (at >= 0) workers.splice(at, 1);
    }
  }

  /**
   * The process that has an object, by rendezvous hashing.
   *
   * @param object {@link hash} of it
   * @param acked workers of later versions do not count
   */
  owner(object: number, acked: number): Member | undefined {
    let best: Member | undefined;
    let most = -1;
    for (const workers of [this.workers, this.others])
      for (const { member, since } of workers) {
        if (member === undefined || since > acked) continue;
        const score = member.score(object);
        if (score > most || (score === most && member.id > (best?.id ?? ''))) [best, most] = [member, score];
      }
    return best;
  }
}

/** The calls of one object, which run one at a time, or of one stateless method. */
export class Lane implements Linked<Lane> {
  prev: Lane | undefined = undefined;
  next: Lane | undefined = undefined;
  list: LinkedList<Lane> | undefined = undefined;
  readonly isObject: boolean;
  readonly waiting = new LinkedList<Call>();
  /** how many are at workers */
  active = 0;
  /** the process that has those of an object: none goes to another one before they have ended there */
  at: Member | undefined = undefined;
  /** of its last call that was sent there */
  number = 0;
  /** nothing may begin: the bus is away, or another process may still run this object */
  held = false;
  /** sent too early: tried again a little later */
  paused = false;
  /** this process does not run it: calls of others are given back */
  elsewhere = false;

  /**
   * @param home lanes of its kind, by name
   * @param name the object's id or the method's name
   * @param group who may take what waits here; changes with who has the object
   */
  constructor(
    readonly scope: Scope,
    private readonly home: Map<string, Lane>,
    readonly name: string,
    public group: Group,
  ) {
    this.isObject = home === scope.objects;
  }

  /** Of calls of other processes, which must not be sent on. */
  get isOthers(): boolean {
    return this.home === this.scope.othersMethods;
  }

  /** in announcements, which have no room for names */
  get hash(): number {
    return hash(this.name, this.scope.seed) >>> 0;
  }

  get mayBegin(): boolean {
    if (this.held || this.paused) return false;
    return this.active === 0 || !this.isObject || (this.at !== undefined && this.at === this.group.member);
  }

  /** Lists the lane where workers look, or takes it away, after any change of what waits or runs. */
  update(): void {
    if (this.waiting.size > 0 && this.mayBegin) {
      if (this.list === undefined) this.group.ready.push(this);
    } else {
      this.list?.remove(this);
      if (this.waiting.size === 0 && this.active === 0) this.forget();
    }
  }

  /** Others serve it now. {@link update} follows. */
  move(group: Group): void {
    if (group === this.group) return;
    this.list?.remove(this);
    this.group = group;
  }

  /** Puts one back that has been at a worker, where it was. */
  putBack(call: Call): void {
    let behind = this.waiting.last;
    while (behind !== undefined && behind.sequence > call.sequence) behind = behind.prev;
    this.waiting.insert(call, behind);
  }

  /** To be called before something waits or runs in a lane that may be new. */
  keep(): void {
    if (this.waiting.size === 0 && this.active === 0) this.home.set(this.name, this);
  }

  private forget(): void {
    // Methods stay while somebody serves them; another lane may have its name by now.
    if ((this.isObject || this.group.workers.length === 0) && this.home.get(this.name) === this)
      this.home.delete(this.name);
    this.scope.settle();
  }
}

/** One service in one partition. */
export class Scope {
  /** objects with something that waits or runs */
  readonly objects = new Map<string, Lane>();
  /** calls of this process, for whoever serves the method */
  readonly methods = new Map<string, Lane>();
  /** calls of other processes */
  readonly othersMethods = new Map<string, Lane>();
  /** subscriptions of every object */
  private readonly everyObject = new Group();
  /** subscriptions of one object; those without a worker are not kept */
  private readonly byObject = new Map<string, Group>();
  readonly seed: number;
  /** {@link Intake} has it, and forgets it then */
  drop: (() => void) | undefined = undefined;

  constructor(service: string, partition: number) {
    this.seed = hash(`${service}/${partition}/`);
  }

  groupOf(objectId: string): Group {
    return (this.byObject.size === 0 ? undefined : this.byObject.get(objectId)) ?? this.everyObject;
  }

  /** The process that runs calls of an object: one with an agent of its own, or else one of those for every object. */
  ownerOf(objectId: string, acked = Infinity): Member | undefined {
    const object = hash(objectId, this.seed);
    return this.byObject.get(objectId)?.owner(object, acked) ?? this.everyObject.owner(object, acked);
  }

  /** @param isHere whether it is of this process; those of others take no objects from the queues here */
  join(worker: Worker, methods: readonly string[], isHere: boolean): void {
    const { objectId } = worker;
    const objects = objectId === undefined ? this.everyObject : (this.byObject.get(objectId) ?? new Group());
    if (objectId !== undefined) this.byObject.set(objectId, objects);
    if (isHere) objects.join(worker);
    else objects.others.push(worker);
    const lanes = isHere && worker.member !== undefined ? [this.methods, this.othersMethods] : [this.methods];
    for (const method of new Set(methods))
      for (const home of lanes) {
        const lane = home.get(method) ?? new Lane(this, home, method, new Group());
        home.set(method, lane);
        lane.group.join(worker);
      }
  }

  leave(worker: Worker): void {
    const { objectId } = worker;
    const objects = objectId === undefined ? this.everyObject : this.byObject.get(objectId);
    for (const group of [objects, ...worker.groups]) group?.leave(worker);
    if (objectId !== undefined && objects?.workers.length === 0 && objects.others.length === 0)
      this.byObject.delete(objectId);
    this.settle();
  }

  /** What nobody serves, and nothing waits for, is forgotten: callers could name more and more. */
  settle(): void {
    const { everyObject, byObject, objects, methods, othersMethods } = this;
    const isServed = everyObject.workers.length + everyObject.others.length + byObject.size > 0;
    if (isServed || objects.size + methods.size + othersMethods.size > 0) return;
    this.drop?.();
    this.drop = undefined;
  }

  /** All lanes with what waits in them. @param objectId only that of one object, and those of methods */
  lanes(objectId?: string): Lane[] {
    const one = objectId === undefined ? undefined : this.objects.get(objectId);
    const objects = objectId === undefined ? this.objects.values() : one === undefined ? [] : [one];
    return [...objects, ...this.methods.values(), ...this.othersMethods.values()];
  }
}
