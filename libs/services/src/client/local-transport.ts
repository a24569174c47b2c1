import { handlerFailed } from '../bus/handler-reply.js';
import type { BusCallOptions } from '../bus/invocation-bus.js';
import { cancelled, timedOut } from '../bus/refusals.js';
import { ServicesError } from '../errors.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import type { Invocation, InvocationReply } from '../invocation/invocation.js';
import { forgetSignal, watchSignal } from '../runtime/callers-signal.js';
import { steadyNow } from '../runtime/clock.js';
import { Deadlines, type Expiring } from '../runtime/deadlines.js';
import { ownInvocation, ownReply } from '../runtime/isolation.js';
import { Desk, type DeskCall } from '../server/desk.js';
import { CUT_OFF, type Refusal } from '../server/refusals.js';

/**
 * Calls the function server of this process without a socket (checklist B15).
 * Clients share it: it knows all local calls that run.
 */
export class LocalTransport {
  readonly desk = new Desk();
  // A method that waits keeps the process alive, by the deadlines of its runtime.
  readonly deadlines = new Deadlines<LocalCall>((call) => call.leave(timedOut(call.invocation)), false);

  constructor(
    readonly handler: InvocationHandler,
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
      this.desk.enter(new LocalCall(this, ownInvocation(invocation), resolve, reject, signal));
    });
  }
}

/** A local call until its method has ended, which may be later than its caller leaves. */
class LocalCall extends AbortController implements DeskCall, Expiring {
  heapIndex = -1;
  readonly deadline: number;

  constructor(
    private readonly transport: LocalTransport,
    readonly invocation: Invocation,
    /** of the caller's promise: all but the first settlement are ignored */
    private readonly resolve: (reply: InvocationReply) => void,
    private readonly reject: (error: ServicesError) => void,
    private readonly callersSignal: AbortSignal | undefined,
  ) {
    super();
    this.deadline = invocation.deadline ?? Infinity;
    if (callersSignal !== undefined) watchSignal(callersSignal, this);
    if (invocation.deadline !== undefined) transport.deadlines.add(this);
  }

  run(): boolean {
    void this.#run();
    return true;
  }

  refuse({ code, message }: Refusal): void {
    this.leave(new ServicesError(code, message));
  }

  cutOff(): void {
    this.refuse(CUT_OFF);
  }

  /** The caller's signal has been aborted. */
  handleEvent(): void {
    this.leave(cancelled(this.invocation));
  }

  /** The caller gets an error, and the method is told; it may go on. */
  leave(error: ServicesError): void {
    this.reject(error);
    this.#forgetCaller();
    this.abort(error);
  }

  async #run(): Promise<void> {
    const { invocation, transport } = this;
    let reply: InvocationReply;
    try {
      reply = ownReply(await transport.handler(invocation, 'server', this), invocation.id);
    } catch (thrown) {
      reply = handlerFailed(thrown, invocation.id);
    }
    this.resolve(reply);
    this.#forgetCaller();
    transport.desk.ended(this);
  }

  /** Nobody waits any more: neither signal nor deadline holds it. */
  #forgetCaller(): void {
    forgetSignal(this.callersSignal, this);
    this.transport.deadlines.remove(this);
  }
}
