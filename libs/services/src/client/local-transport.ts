import { handlerFailed } from '../bus/handler-reply.js';
import type { BusCallOptions } from '../bus/invocation-bus.js';
import { cancelled, timedOut } from '../bus/refusals.js';
import { ServicesError } from '../errors.js';
import { Abortable } from '../invocation/abortable.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import type { Invocation, InvocationReply } from '../invocation/invocation.js';
import { steadyNow } from '../runtime/clock.js';
import { Deadlines, type Expiring } from '../runtime/deadlines.js';
import { ownInvocation, ownReply } from '../runtime/isolation.js';
import { CUT_OFF } from '../server/refusals.js';

/** A local call until its method has ended, which may be later than its caller leaves. */
class LocalCall extends Abortable implements Expiring {
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

/**
 * Calls the function server of this process without a socket (checklist B15).
 * Clients share it: it knows all local calls that run.
 */
export class LocalTransport {
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
  invoke(invocation: Invocation, { signal }: BusCallOptions): Promise<InvocationReply> {
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
