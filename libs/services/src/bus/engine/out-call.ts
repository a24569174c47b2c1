import type { ServicesError } from '../../errors.js';
import type { Delivery, Invocation, InvocationReply } from '../../invocation/invocation.js';
import type { Expiring } from '../../runtime/deadlines.js';
import { type Linked, LinkedList } from '../memory/linked-list.js';

/** An accepted call of this process until its caller has an answer. */
export class OutCall implements Linked<OutCall>, Expiring {
  prev: OutCall | undefined = undefined;
  next: OutCall | undefined = undefined;
  list: LinkedList<OutCall> | undefined = undefined;
  heapIndex = -1;
  /** of its last sending */
  number = 0;
  /** deliveries that have begun, or may have */
  attempt = 0;
  /** the member it was sent to, while it is there */
  at: string | undefined = undefined;
  /** some member has had it in its queue */
  accepted = false;

  /** @param sequence of this process's calls: those of an object keep it */
  constructor(
    readonly sequence: number,
    readonly invocation: Invocation,
    readonly key: string,
    readonly delivery: Delivery,
    readonly deadline: number,
    readonly lane: OutLane,
    readonly resolve: (reply: InvocationReply) => void,
    readonly reject: (error: ServicesError) => void,
    private readonly signal: AbortSignal | undefined,
    private readonly onAbort: (call: OutCall) => void,
  ) {
    signal?.addEventListener('abort', this, { once: true });
  }

  /** The caller's signal has been aborted. */
  handleEvent(): void {
    this.onAbort(this);
  }

  forgetCaller(): void {
    this.signal?.removeEventListener('abort', this);
  }
}

/** The calls of this process of one object, or of one stateless method. */
export class OutLane implements Linked<OutLane> {
  prev: OutLane | undefined = undefined;
  next: OutLane | undefined = undefined;
  list: LinkedList<OutLane> | undefined = undefined;
  readonly waiting = new LinkedList<OutCall>();
  /** how many are at a member */
  sent = 0;
  /** the member that has those of an object: no other one gets any before they have ended there */
  to: string | undefined = undefined;
  /** sent too early: tried again a little later */
  paused = false;

  constructor(
    readonly scope: OutScope,
    readonly name: string,
    readonly isObject: boolean,
  ) {}

  /** Puts one back that has been somewhere, where it was. */
  putBack(call: OutCall): void {
    const { waiting } = this;
    const behind: OutCall[] = [];
    // What waits was called later as a rule, and what comes back comes in its order.
    while (waiting.first !== undefined && waiting.first.sequence < call.sequence) {
      behind.push(waiting.first);
      waiting.remove(waiting.first);
    }
    waiting.unshift(call);
    for (const earlier of behind.reverse()) waiting.unshift(earlier);
  }
}

/** The calls of this process of one service in one partition. */
export class OutScope {
  readonly objects = new Map<string, OutLane>();
  readonly methods = new Map<string, OutLane>();
  /** stateless methods with calls that wait for a place */
  readonly ready = new LinkedList<OutLane>();
  /** stateless calls at each member */
  readonly sent = new Map<string, number>();
  private turn = 0;

  constructor(
    readonly service: string,
    readonly partition: number,
  ) {}

  laneOf(name: string, isObject: boolean): OutLane {
    return (isObject ? this.objects : this.methods).get(name) ?? new OutLane(this, name, isObject);
  }

  /** The next member by turns that has a place free, as far as this process knows. @param members with their places */
  pick<M extends { readonly id: string }>(members: ReadonlyMap<M, number>): M | undefined {
    this.turn += 1;
    let skip = this.turn % members.size;
    let first: M | undefined;
    for (const [member, places] of members) {
      const free = (this.sent.get(member.id) ?? 0) < places;
      if (free && skip <= 0) return member;
      if (free) first ??= member;
      skip -= 1;
    }
    return first;
  }

  count(member: string, by: 1 | -1): void {
    const sent = (this.sent.get(member) ?? 0) + by;
    if (sent > 0) this.sent.set(member, sent);
    else this.sent.delete(member);
  }
}
