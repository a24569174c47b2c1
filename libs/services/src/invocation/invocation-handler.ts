import type { Invocation, InvocationReply } from './invocation.js';

/** Where a call came in: the function server, or an agent of the bus (checklist B6). */
export type Entry = 'server' | 'agent';

/**
 * Runs an invocation, from bytes to bytes. Settles in any case and does not
 * reject: what goes wrong is in the reply.
 *
 * @param cancellation the signal of the call, made when somebody asks for it:
 *   most methods never do, and a signal for each call would cost more than the call
 */
export type InvocationHandler = (
  invocation: Invocation,
  entry: Entry,
  cancellation?: () => AbortSignal,
) => Promise<InvocationReply>;
