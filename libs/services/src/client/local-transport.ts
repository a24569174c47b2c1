import { ServicesError } from '../errors.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import type { Invocation, InvocationReply } from '../invocation/invocation.js';
import type { InvocationTransport, TransportCall } from './invocation-transport.js';

/** Calls the function server of this process without a socket (checklist B15). */
export class LocalTransport implements InvocationTransport {
  constructor(
    private readonly handle: InvocationHandler,
    private readonly isServerRunning: () => boolean,
  ) {}

  /** @throws ServicesError `BERTH_SERVICE_UNREACHABLE` the server does not run; `_TIMEOUT`, `_CANCELLED` */
  async invoke(invocation: Invocation, { signal }: TransportCall): Promise<InvocationReply> {
    if (!this.isServerRunning())
      throw new ServicesError('BERTH_SERVICE_UNREACHABLE', 'the function server does not run: call startServer first');
    if (signal === undefined) return this.handle(invocation, 'server');
    return Promise.race([this.handle(invocation, 'server', () => signal), cancelled(signal)]);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function cancelled(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const leave = (): void => reject(new ServicesError('BERTH_SERVICE_CANCELLED', 'the caller gave up'));
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
}
