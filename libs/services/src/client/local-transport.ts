import { handlerFailed } from '../bus/handler-reply.js';
import { cancelled, timedOut } from '../bus/refusals.js';
import { ServicesError } from '../errors.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import type { Invocation, InvocationReply } from '../invocation/invocation.js';
import { Deadlines } from '../runtime/deadlines.js';
import { ownInvocation, ownReply } from '../runtime/isolation.js';
import { CUT_OFF } from '../server/refusals.js';
import type { InvocationTransport, TransportCall } from './invocation-transport.js';
import { LocalCall } from './local-call.js';
import { steadyNow } from '../runtime/clock.js';

/**
 * Calls the function server of this process without a socket (checklist B15).
 * Clients share it: it knows all local calls that run.
 */
export class LocalTransport implements InvocationTransport {
  readonly #running = new Set<LocalCall>();
  // A method that waits keeps the process alive, by the deadlines of its runtime.
  readonly #deadlines = new Deadlines<LocalCall>((call) => call.leave(timedOut(call.invocation)), false);
  #idle: (() => void) | undefined;

  constructor(
    private readonly handle: InvocationHandler,
    private readonly isServerRunning: () => boolean,
  ) {}

  /**
   * Nothing that caller or method may change is shared between them.
   *
   * @throws ServicesError `BERTH_SERVICE_UNREACHABLE` the server does not run; `_TIMEOUT`, `_CANCELLED`;
   *   `_OUTCOME_UNKNOWN` the server stopped, and the call did not end in time
   */
  invoke(invocation: Invocation, { signal }: TransportCall): Promise<InvocationReply> {
    return new Promise((resolve, reject) => {
      // What is thrown here rejects the promise.
      if (!this.isServerRunning())
        throw new ServicesError(
          'BERTH_SERVICE_UNREACHABLE',
          'the function server does not run: call startServer first',
        );
      if (signal?.aborted === true) throw cancelled(invocation);
      const { deadline } = invocation;
      if (deadline !== undefined && deadline <= steadyNow()) throw timedOut(invocation);
      const call = new LocalCall(ownInvocation(invocation), resolve, reject, signal);
      this.#running.add(call);
      if (deadline !== undefined) this.#deadlines.add(call);
      void this.#run(call);
    });
  }

  /** Calls that run, also those that their callers have left. */
  get running(): number {
    return this.#running.size;
  }

  /**
   * Resolves when no call runs. What does after `timeoutMs` is cut off: its
   * caller gets `BERTH_SERVICE_OUTCOME_UNKNOWN`, its signal is aborted.
   *
   * @param timeoutMs 0..2^31-1
   */
  drain(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#cutOff(), timeoutMs);
      this.#idle = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#running.size === 0) this.#idle();
    });
  }

  /** A client that leaves takes nothing from the others. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  async #run(call: LocalCall): Promise<void> {
    const { invocation } = call;
    let reply: InvocationReply;
    try {
      reply = ownReply(await this.handle(invocation, 'server', call), invocation.id);
    } catch (thrown) {
      reply = handlerFailed(thrown, invocation.id);
    }
    call.resolve(reply);
    this.#ended(call);
  }

  #cutOff(): void {
    for (const call of this.#running) {
      call.leave(new ServicesError(CUT_OFF.code, CUT_OFF.message));
      this.#ended(call);
    }
  }

  #ended(call: LocalCall): void {
    call.forgetCaller();
    this.#deadlines.remove(call);
    this.#running.delete(call);
    if (this.#running.size === 0) this.#idle?.();
  }
}
