import { systemTime } from '../runtime/clock.js';
import { callersOf, chainWith } from './call-chain.js';
import type { CallLimits } from './call-limits.js';
import type { Invocation } from './invocation.js';

/** What is told of an {@link Invocation} as it is; a stateless call has no `objectId`. */
type Told = Pick<Invocation, 'service' | 'method' | 'partition' | 'objectId' | 'options' | 'idempotencyKey'>;

/** What a method may know of its call: its second parameter. */
export interface CallContext extends Told {
  readonly invocationId: string;
  /** nobody waits after it, and the signal is aborted: ms since 1970, as `Date.now()` has it at the moment */
  readonly deadline: number;
  /** 1, and one more for each retry of a method that failed (checklist B16) */
  readonly attempt: number;
  /** the objects whose methods wait for this call, `package.Service/partition/objectId`, the first caller first */
  readonly callers: readonly string[];
  /** aborted at the deadline, when the caller left, or when the server or agent is cut off */
  readonly signal: AbortSignal;
}

/** The context of one attempt. */
export class AttemptContext implements CallContext {
  constructor(
    readonly invocation: Invocation,
    readonly limits: CallLimits,
    readonly attempt: number,
  ) {}

  get deadline(): number {
    return systemTime(this.limits.deadline);
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
  get signal(): AbortSignal {
    return this.limits.signal;
  }

  /** What calls of this method are told; nothing once it has ended, since nobody waits then. */
  get chain(): string | undefined {
    if (this.limits.over) return undefined;
    const { chain, objectId } = this.invocation;
    return objectId === undefined ? chain : chainWith(chain, this.invocation, objectId);
  }
}
