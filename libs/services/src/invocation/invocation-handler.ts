import type { Invocation, InvocationReply } from './invocation.js';

/** Where a call came in: the function server, or an agent of the bus (checklist B6). */
export type Entry = 'server' | 'agent';

/** What a carrier says of a call that has begun: the signal of its caller, and whether call and object are its own. */
export interface Cancellation {
  /** made when somebody asks for it: most methods never do, and a signal for each call would cost more than the call */
  readonly signal: AbortSignal;
  /**
   * somebody else has the call now, or nobody any more; absent where a call is never taken away. The signal's reason
   * does not tell: the caller may have left before
   */
  readonly isCut?: boolean;
  /** see `BusDelivery` */
  readonly term?: number | undefined;
}

/**
 * Runs an invocation, from bytes to bytes. Settles in any case and does not reject: what goes wrong is in the reply.
 */
export type InvocationHandler = (
  invocation: Invocation,
  entry: Entry,
  cancellation?: Cancellation,
) => Promise<InvocationReply>;
