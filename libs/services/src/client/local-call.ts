import { cancelled } from '../bus/refusals.js';
import type { ServicesError } from '../errors.js';
import { Abortable } from '../invocation/abortable.js';
import type { Invocation, InvocationReply } from '../invocation/invocation.js';
import type { Expiring } from '../runtime/deadlines.js';

/** A local call until its method has ended, which may be later than its caller leaves. */
export class LocalCall extends Abortable implements Expiring {
  heapIndex = -1;
  readonly deadline: number;

  constructor(
    readonly invocation: Invocation,
    /** of the caller's promise: all but the first settlement are ignored */
    readonly resolve: (reply: InvocationReply) => void,
    private readonly reject: (error: ServicesError) => void,
    private readonly callersSignal: AbortSignal | undefined,
  ) {
    super();
    this.deadline = invocation.deadline ?? Infinity;
    callersSignal?.addEventListener('abort', this, { once: true });
  }

  /** The caller's signal has been aborted. */
  handleEvent(): void {
    this.leave(cancelled(this.invocation));
  }

  /** The caller gets an error, and the method is told; it may go on. */
  leave(error: ServicesError): void {
    this.reject(error);
    this.forgetCaller();
    this.abort(error);
  }

  /** The caller's signal may outlive the call by far, and must not hold it. */
  forgetCaller(): void {
    this.callersSignal?.removeEventListener('abort', this);
  }
}
