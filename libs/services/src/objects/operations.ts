import { ServicesError } from '../errors.js';
import { steadyNow } from '../runtime/clock.js';
import { Deadlines, type Expiring } from '../runtime/deadlines.js';

/** What an error of one try says. */
export interface Verdict {
  readonly why: string;
  /** the server said it, so that nothing was done; otherwise it may have been */
  readonly answered: boolean;
  /** another try would end the same */
  readonly final: boolean;
}

/** A connection to the server of a store, which may break. */
export interface Way {
  readonly isUp: boolean;
  /** not closed for good */
  readonly isOpen: boolean;
  /** what was last wrong with it */
  readonly reason: string | undefined;
  verdict(thrown: unknown): Verdict;
}

export interface OperationLimits {
  /** of an operation that has no deadline, ms */
  readonly operationTimeoutMs: number;
  /** operations at once: one more fails */
  readonly maxPendingOperations: number;
}

/** Before a server that is there is asked again, ms. */
const PAUSE_MS = 20;

/** One operation, whatever happens to the connection meanwhile. */
class Operation implements Expiring {
  heapIndex = -1;
  /** it is on the way */
  inFlight = false;
  /** tries that were not answered: they may have been made */
  lost = 0;
  /** what the last try failed with */
  why: string | undefined;
  retry: NodeJS.Timeout | undefined;

  constructor(
    readonly writes: boolean,
    /** {@link steadyNow} */
    readonly deadline: number,
    /** the deadline is that of a call, not the store's own limit */
    readonly ofCall: boolean,
    readonly send: (lost: number) => Promise<unknown>,
    readonly resolve: (value: unknown) => void,
    readonly reject: (error: ServicesError) => void,
  ) {}

  /** Whether it may have changed something that nobody knows of. */
  get isUnconfirmed(): boolean {
    return this.writes && (this.inFlight || this.lost > 0);
  }
}

/**
 * What is asked of a store's server. An operation is tried until its deadline: again after a pause where the server is
 * there and cannot serve yet, and as soon as the connection is back where that broke.
 */
export class Operations {
  private readonly pending = new Set<Operation>();
  private readonly waiting = new Set<Operation>();
  private readonly deadlines = new Deadlines<Operation>((operation) => this.overdue(operation));
  private readonly others: Operations[] = [];
  private closed = false;

  /** @param what the server keeps for whoever asks, as errors say it */
  constructor(
    readonly way: Way,
    private readonly limits: OperationLimits,
    private readonly what = 'objects',
  ) {}

  /** Those of something else over the same connection: what waits there takes no place here. They end with these. */
  beside(what: string): Operations {
    const others = new Operations(this.way, this.limits, what);
    if (this.closed) others.close();
    this.others.push(others);
    return others;
  }

  /**
   * @param writes it changes something
   * @param deadline of the call, {@link steadyNow}; absent: `operationTimeoutMs` from now
   * @param send one try; `lost`: so many earlier ones were not answered, and may have been made. A ServicesError is final
   * @throws ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE`; `BERTH_SERVICE_TIMEOUT` at `deadline`; and
   *   `BERTH_SERVICE_OUTCOME_UNKNOWN` for a write that may have taken effect
   */
  run<T>(writes: boolean, deadline: number | undefined, send: (lost: number) => Promise<T>): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      const { maxPendingOperations, operationTimeoutMs } = this.limits;
      if (this.closed) throw unavailable('it is closed', this.what);
      if (this.pending.size >= maxPendingOperations)
        throw unavailable(`${maxPendingOperations} operations wait for it, which is maxPendingOperations`, this.what);
      const now = steadyNow();
      const until = deadline ?? now + operationTimeoutMs;
      // Sent now, nobody would wait for what comes of it.
      if (until <= now) throw this.timedOut(writes, '');
      const operation = new Operation(writes, until, deadline !== undefined, send, resolve, reject);
      this.pending.add(operation);
      this.deadlines.add(operation);
      this.try(operation);
    }) as Promise<T>;
  }

  /** What is asked now is sent at once. */
  get isReady(): boolean {
    return this.way.isUp && !this.closed;
  }

  /** The connection is there again. */
  resume(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const operation of waiting) this.try(operation);
    for (const others of this.others) others.resume();
  }

  /** Ends all of them, and takes no more. */
  close(why = 'it is closed'): void {
    this.closed = true;
    for (const operation of this.pending) this.giveUp(operation, why);
    this.deadlines.close();
    for (const others of this.others) others.close(why);
  }

  private try(operation: Operation): void {
    if (!this.way.isUp) {
      this.waiting.add(operation);
      return;
    }
    operation.inFlight = true;
    operation.send(operation.lost).then(
      (value) => {
        if (this.end(operation)) operation.resolve(value);
      },
      (thrown: unknown) => this.failed(operation, thrown),
    );
  }

  private failed(operation: Operation, thrown: unknown): void {
    if (!this.pending.has(operation)) return;
    const { why, answered, final } = this.verdict(thrown);
    operation.inFlight = false;
    if (!answered) operation.lost += 1;
    operation.why = why;
    if (final) this.giveUp(operation, why, thrown);
    else if (!this.way.isOpen) this.giveUp(operation, 'its connection is closed');
    else if (this.way.isUp) operation.retry = setTimeout(() => this.try(operation), PAUSE_MS);
    else this.waiting.add(operation);
  }

  private verdict(thrown: unknown): Verdict {
    if (thrown instanceof ServicesError) return { why: thrown.message, answered: true, final: true };
    return this.way.verdict(thrown);
  }

  private giveUp(operation: Operation, why: string, thrown?: unknown): void {
    const { trouble } = this;
    if (!this.end(operation)) return;
    if (thrown instanceof ServicesError && !operation.isUnconfirmed) operation.reject(thrown);
    else operation.reject(this.failure(operation, trouble === undefined ? why : `${why}; ${trouble}`));
  }

  private overdue(operation: Operation): void {
    const last = this.trouble ?? operation.why;
    const because = last === undefined ? '' : `; ${last}`;
    if (!this.end(operation)) return;
    const { ofCall, isUnconfirmed } = operation;
    const limit = `no answer within operationTimeoutMs (${this.limits.operationTimeoutMs})`;
    if (ofCall && !isUnconfirmed) operation.reject(this.timedOut(operation.writes, because));
    else operation.reject(this.failure(operation, `${ofCall ? 'the deadline of the call passed' : limit}${because}`));
  }

  /** Why there is no connection, while there is none. */
  private get trouble(): string | undefined {
    return this.way.isUp ? undefined : this.way.reason;
  }

  /** @returns false: it has ended before */
  private end(operation: Operation): boolean {
    if (!this.pending.delete(operation)) return false;
    this.waiting.delete(operation);
    this.deadlines.remove(operation);
    clearTimeout(operation.retry);
    return true;
  }

  private failure({ isUnconfirmed }: Operation, why: string): ServicesError {
    if (!isUnconfirmed) return unavailable(why, this.what);
    return new ServicesError(
      'BERTH_SERVICE_OUTCOME_UNKNOWN',
      `the store of ${this.what} was sent a change and did not confirm it: ${why}`,
    );
  }

  /** The deadline of a call passed, and nothing was changed. */
  private timedOut(writes: boolean, because: string): ServicesError {
    const what = writes ? 'could not be sent the change' : 'had not answered';
    return new ServicesError(
      'BERTH_SERVICE_TIMEOUT',
      `the deadline passed: the store of ${this.what} ${what}${because}`,
    );
  }
}

/** Nothing was changed. */
export function unavailable(why: string, what = 'objects'): ServicesError {
  return new ServicesError('BERTH_SERVICE_STORE_UNAVAILABLE', `the store of ${what} cannot be used: ${why}`);
}
