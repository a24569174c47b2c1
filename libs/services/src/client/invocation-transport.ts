import type { Delivery, Invocation, InvocationReply } from '../invocation/invocation.js';

export interface TransportCall {
  readonly delivery: Delivery;
  /** gives up waiting, and cancels the call where the transport can */
  readonly signal?: AbortSignal | undefined;
}

/** How a client reaches services: gRPC, the bus, or the same process. */
export interface InvocationTransport {
  /** @throws ServicesError when no reply came; a reply that is not OKAY is returned, not thrown */
  invoke(invocation: Invocation, call: TransportCall): Promise<InvocationReply>;
  close(): Promise<void>;
}
