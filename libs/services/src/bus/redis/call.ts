import type { ServicesError } from '../../errors.js';
import type { Delivery, Invocation, InvocationReply } from '../../invocation/invocation.js';
import type { Expiring } from '../../runtime/deadlines.js';
import type { Lane } from './message.js';
import type { Args, Op } from './pipeline.js';
import { LONGEST_MS } from './script-operations.js';

const NOTHING = new Uint8Array(0);

export interface CallEvents {
  /** its caller's signal was aborted */
  left(call: Call): void;
  forgotten(call: Call): void;
  /** the broker could not take it */
  failed(call: Call, why: string): void;
}

/** An invocation whose caller waits, and the step that sends it: one object for both. */
export class Call implements Op, Expiring {
  heapIndex = -1;
  /** what the broker is known to have */
  progress: 'waiting' | 'sent' | 'accepted' = 'waiting';
  over = false;
  /** for its place in the count of bytes */
  readonly bytes: number;

  constructor(
    readonly number: string,
    public invocation: Invocation,
    readonly delivery: Delivery,
    readonly deadline: number,
    readonly lane: Lane,
    private body: string | Buffer,
    readonly resolve: (reply: InvocationReply) => void,
    readonly reject: (error: ServicesError) => void,
    private readonly signal: AbortSignal | undefined,
    private readonly events: CallEvents,
  ) {
    this.bytes = invocation.payload.length;
    signal?.addEventListener('abort', this, { once: true });
  }

  get size(): number {
    return this.body.length;
  }

  get withdrawn(): boolean {
    return this.over;
  }

  write(args: Args): void {
    this.progress = 'sent';
    // Nobody waits: the broker is to count it as done, and no more.
    const remaining = this.over ? 0 : until(this.deadline);
    args.push('S', this.lane.scope, this.lane.target, String(remaining), this.number, this.body);
  }

  accepted(): void {
    this.progress = 'accepted';
  }

  forgotten(): void {
    this.events.forgotten(this);
  }

  failed(why: string): void {
    this.events.failed(this, why);
  }

  /** Nobody waits for it any more. It may stay in a line of steps for long, and must not hold what it carried. */
  end(): void {
    this.over = true;
    this.body = '';
    if (this.progress === 'waiting') this.invocation = { ...this.invocation, payload: NOTHING };
    this.#forgetCaller();
  }

  /** The caller's signal was aborted. The call itself is the listener: one object less for each. */
  handleEvent(): void {
    this.events.left(this);
  }

  /** The caller's signal may outlive the call by far, and must not hold it. */
  #forgetCaller(): void {
    this.signal?.removeEventListener('abort', this);
  }
}

/** Tells the broker that a caller has left: what has not begun shall not, and what runs is told. */
export class Cancel implements Op {
  readonly size = 50;

  /** @param keepMs for how long beyond the deadline the broker has to know: until it has swept the call away */
  constructor(
    private readonly call: Call,
    private readonly keepMs: number,
  ) {}

  /** The broker has forgotten the call by then. */
  get withdrawn(): boolean {
    return this.call.deadline + this.keepMs <= Date.now();
  }

  write(args: Args): void {
    const { number, deadline, lane } = this.call;
    args.push('C', number, String(until(deadline) + this.keepMs), lane.scope, lane.target);
  }

  accepted(): void {
    return undefined;
  }

  forgotten(): void {
    return undefined;
  }
}

/** Whole ms, 0..LONGEST_MS. */
function until(deadline: number): number {
  return Math.min(LONGEST_MS, Math.max(0, Math.ceil(deadline - Date.now())));
}
