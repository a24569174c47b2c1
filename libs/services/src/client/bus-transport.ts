import type { InvocationBus } from '../bus/invocation-bus.js';
import type { Invocation, InvocationReply } from '../invocation/invocation.js';
import type { InvocationTransport, TransportCall } from './invocation-transport.js';

/** Calls over a bus, which its owner closes. */
export class BusTransport implements InvocationTransport {
  constructor(private readonly bus: InvocationBus) {}

  invoke(invocation: Invocation, call: TransportCall): Promise<InvocationReply> {
    return this.bus.invoke(invocation, call);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
