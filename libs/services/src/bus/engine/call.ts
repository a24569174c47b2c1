import type { ServicesError } from '../../errors.js';
import type { Delivery, Invocation, InvocationReply } from '../../invocation/invocation.js';
import { forgetSignal, watchSignal } from '../../runtime/callers-signal.js';
import type { Expiring } from '../../runtime/deadlines.js';
import type { BusDelivery } from '../invocation-bus.js';
import type { Linked, LinkedList } from '../../runtime/linked-list.js';
import type { Presence } from './presence.js';
import type { Lane } from './routing.js';
import type { Worker } from './worker.js';

/** Who is told what came of a call, once. */
export interface Fate {
  resolve(reply: InvocationReply): void;
  reject(error: ServicesError): void;
  /** Others have to do it; `attempts` deliveries have begun. Absent: the call is of this process, and waits here. */
  giveBack?(attempts: number): void;
}

/** What a handler is given. */
export class CallDelivery extends AbortController implements BusDelivery {
  private wasCut = false;

  /**
   * @param presence until it has lapsed, the object is this process's; when it has, {@link cut} follows
   * @param term see {@link BusDelivery.term}
   */
  constructor(
    readonly invocation: Invocation,
    readonly delivery: Delivery,
    readonly attempt: number,
    private readonly presence: Presence | undefined,
    readonly term: number | undefined,
  ) {
    super();
  }

  get isCut(): boolean {
    return this.wasCut || this.presence?.lapsed === true;
  }

  /** Its worker has lost it. */
  cut(reason: ServicesError): void {
    this.wasCut = true;
    this.abort(reason);
  }
}

/**
 * An accepted invocation until it has ended, which may be later than its caller
 * leaves: what runs keeps its object until it is through.
 *
 * It waits in its lane or is at a worker: `list` is one or the other.
 */
export class Call implements Linked<Call>, Expiring {
  prev: Call | undefined = undefined;
  next: Call | undefined = undefined;
  list: LinkedList<Call> | undefined = undefined;
  heapIndex = -1;
  /** deliveries that have begun, or may have */
  attempt = 0;
  /** who has it */
  worker: Worker | undefined = undefined;
  /** its delivery at a worker of this process, the one that counts: the results of others come too late */
  running: CallDelivery | undefined = undefined;
  /** of its sending to another process, while it is there; else 0 */
  number = 0;
  /** it has been in the queue of whoever had its object */
  accepted = false;

  /** @param sequence of the calls that this engine has taken: those of a lane keep it */
  constructor(
    readonly sequence: number,
    readonly invocation: Invocation,
    readonly delivery: Delivery,
    readonly deadline: number,
    readonly lane: Lane,
    readonly fate: Fate,
    private readonly signal: AbortSignal | undefined,
    private readonly engine: { abandon(call: Call): void },
  ) {
    if (signal !== undefined) watchSignal(signal, this);
  }

  /** Of this process: it may go to whoever has its object. Others' calls only run here, or are given back. */
  get isOwn(): boolean {
    return this.fate.giveBack === undefined;
  }

  /** The caller's signal has been aborted. The call itself is the listener: one object less for each. */
  handleEvent(): void {
    this.engine.abandon(this);
  }

  forgetCaller(): void {
    forgetSignal(this.signal, this);
  }
}
