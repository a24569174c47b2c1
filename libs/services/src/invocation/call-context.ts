import { callersOf, chainWith } from './call-chain.js';
import type { CallLimits } from './call-limits.js';
import type { Invocation } from './invocation.js';

/** What a method may know of its call: its second parameter. */
export interface CallContext {
  readonly invocationId: string;
  /** `package.Service` */
  readonly service: string;
  readonly method: string;
  readonly partition: number;
  /** absent in a stateless call */
  readonly objectId?: string | undefined;
  /** the caller's words */
  readonly options: Readonly<Record<string, string>>;
  readonly idempotencyKey?: string | undefined;
  /** nobody waits after it, and the signal is aborted: ms since 1970 */
  readonly deadline: number;
  /** 1, and one more for each retry of a method that failed (checklist B16) */
  readonly attempt: number;
  /** the objects whose methods wait for this call, `package.Service/partition/objectId`, the first caller first */
  readonly callers: readonly string[];
  /** aborted at the deadline, when the caller left, or when the server or agent is cut off */
  readonly signal: AbortSignal;
}

/**
 * The context of one attempt. The signal is made when a method first asks for
 * it: most never do, and making one costs as much as an empty call.
 */
export class AttemptContext implements CallContext {
  #controller: AbortController | undefined;
  #signal: AbortSignal | undefined;
  #aborted: Error | undefined;

  constructor(
    private readonly invocation: Invocation,
    private readonly limits: CallLimits,
    readonly attempt: number,
  ) {}

  get deadline(): number {
    return this.limits.deadline;
  }

  get invocationId(): string {
    return this.invocation.id;
  }
  get service(): string {
    return this.invocation.service;
  }
  get method(): string {
    return this.invocation.method;
  }
  get partition(): number {
    return this.invocation.partition;
  }
  get objectId(): string | undefined {
    return this.invocation.objectId;
  }
  get options(): Readonly<Record<string, string>> {
    return this.invocation.options;
  }
  get idempotencyKey(): string | undefined {
    return this.invocation.idempotencyKey;
  }

  get callers(): readonly string[] {
    return callersOf(this.invocation.chain);
  }

  /** What calls of this method are told; nothing once it has ended, since nobody waits then. */
  get chain(): string | undefined {
    if (this.limits.over) return undefined;
    const { chain, objectId } = this.invocation;
    return objectId === undefined ? chain : chainWith(chain, this.invocation, objectId);
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const controller = new AbortController();
      if (this.#aborted !== undefined) controller.abort(this.#aborted);
      this.#controller = controller;
      const { cancellation } = this.limits;
      this.#signal =
        cancellation === undefined ? controller.signal : AbortSignal.any([controller.signal, cancellation()]);
    }
    return this.#signal;
  }

  /** Tells the method that nobody waits for it any more. */
  abort(reason: Error): void {
    this.#aborted = reason;
    this.#controller?.abort(reason);
  }
}
