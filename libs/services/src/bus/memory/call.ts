import type { ServicesError } from '../../errors.js';
import type { Delivery, Invocation, InvocationReply } from '../../invocation/invocation.js';
import type { BusDelivery } from '../invocation-bus.js';
import type { Expiring } from '../../runtime/deadlines.js';
import type { Linked, LinkedList } from './linked-list.js';
import type { Lease } from './placement.js';
import type { Lane } from './routing.js';

/** Who is told what came of a call, once. */
export interface Fate {
  resolve(reply: InvocationReply): void;
  reject(error: ServicesError): void;
  /** Others have to do it; `attempts` deliveries have begun. Absent: it waits here until somebody can. */
  giveBack?(attempts: number): void;
}

/** What a handler is given. */
export class MemoryDelivery extends AbortController implements BusDelivery {
  private wasCut = false;

  /**
   * @param lease while it has not lapsed, the object is this process's; when it has, {@link cut} follows
   * @param term see {@link BusDelivery.term}
   */
  constructor(
    readonly invocation: Invocation,
    readonly delivery: Delivery,
    readonly attempt: number,
    private readonly lease: Lease | undefined,
    readonly term: number | undefined,
  ) {
    super();
  }

  get isCut(): boolean {
    return this.wasCut || this.lease?.lapsed === true;
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
 * It waits in its lane or runs at a worker: `list` is one or the other.
 */
export class MemoryCall implements Linked<MemoryCall>, Expiring {
  prev: MemoryCall | undefined = undefined;
  next: MemoryCall | undefined = undefined;
  list: LinkedList<MemoryCall> | undefined = undefined;
  heapIndex = -1;
  /** deliveries begun so far */
  attempt = 0;
  /** the delivery that counts; the results of others come too late */
  running: MemoryDelivery | undefined = undefined;

  constructor(
    readonly invocation: Invocation,
    readonly delivery: Delivery,
    readonly deadline: number,
    readonly lane: Lane,
    readonly fate: Fate,
    private readonly signal: AbortSignal | undefined,
    private readonly onAbort: (call: MemoryCall) => void,
  ) {
    signal?.addEventListener('abort', this, { once: true });
  }

  /** The caller's signal has been aborted. The call itself is the listener: one object less for each. */
  handleEvent(): void {
    this.onAbort(this);
  }

  /** The caller's signal may outlive the call by far, and must not hold it. */
  forgetCaller(): void {
    this.signal?.removeEventListener('abort', this);
  }
}
