import type { ServicesError } from '../../errors.js';
import type { Delivery, Invocation, InvocationReply } from '../../invocation/invocation.js';
import type { Expiring } from '../../runtime/deadlines.js';
import type { Lane } from './message.js';
import type { Args, Op } from './pipeline.js';

export interface CallEvents {
  /** its caller's signal was aborted */
  left(call: Call): void;
  forgotten(call: Call): void;
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
    readonly invocation: Invocation,
    readonly delivery: Delivery,
    readonly deadline: number,
    private readonly lane: Lane,
    private readonly body: string | Buffer,
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
    const remaining = this.over ? 0 : Math.max(0, Math.ceil(this.deadline - Date.now()));
    args.push('S', this.lane.scope, this.lane.target, String(remaining), this.number, this.body);
  }

  accepted(): void {
    this.progress = 'accepted';
  }

  forgotten(): void {
    this.events.forgotten(this);
  }

  /** The caller's signal was aborted. The call itself is the listener: one object less for each. */
  handleEvent(): void {
    this.events.left(this);
  }

  /** The caller's signal may outlive the call by far, and must not hold it. */
  forgetCaller(): void {
    this.signal?.removeEventListener('abort', this);
  }
}

/** Tells the broker that a caller has left: what has not begun shall not. */
export class Cancel implements Op {
  readonly size = 50;
  readonly withdrawn = false;

  constructor(private readonly call: Call) {}

  write(args: Args): void {
    args.push('C', this.call.number, String(Math.max(1, Math.ceil(this.call.deadline - Date.now()))));
  }

  accepted(): void {
    return undefined;
  }

  forgotten(): void {
    return undefined;
  }
}
