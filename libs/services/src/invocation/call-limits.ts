import { setTimeout as sleep } from 'node:timers/promises';
import { ServicesError } from '../errors.js';
import { steadyNow } from '../runtime/clock.js';
import type { Deadlines, Expiring } from '../runtime/deadlines.js';
import type { Cancellation } from './invocation-handler.js';

/** Something to be done at a time, unless it is called off. */
export interface Alarm extends Expiring {
  readonly ring: () => void;
}

/** How long one call may take, and how it learns that nobody waits for it any more: then its signal is aborted. */
export class CallLimits extends AbortController {
  /** the call has ended, and its object is free for others */
  over = false;
  #signal: AbortSignal | undefined;

  /**
   * @param deadline {@link steadyNow}
   * @param alarms of the runtime
   */
  constructor(
    readonly deadline: number,
    readonly cancellation: Cancellation | undefined,
    private readonly alarms: Deadlines<Alarm>,
  ) {
    super();
  }

  /** Aborted when the deadline comes while something is waited for, and when the carrier's is. */
  override get signal(): AbortSignal {
    if (this.cancellation === undefined) return super.signal;
    this.#signal ??= AbortSignal.any([super.signal, this.cancellation.signal]);
    return this.#signal;
  }

  /** Stays the same while no other process has the objects of this one; `undefined`: nobody knows. */
  get term(): number | undefined {
    return this.cancellation?.term;
  }

  /**
   * Whether the method may begin, or what it did be saved. A bus that has cut the call off has given it to somebody
   * else, or to nobody: what is saved for it now would come out of turn. A caller who merely left changes nothing.
   *
   * @param what did not come about
   * @throws ServicesError `BERTH_SERVICE_TIMEOUT` the deadline has passed; `BERTH_SERVICE_OUTCOME_UNKNOWN` cut off
   */
  check(what: string): void {
    if (this.cancellation?.isCut === true)
      throw new ServicesError('BERTH_SERVICE_OUTCOME_UNKNOWN', 'the call was cut off; nothing was saved');
    if (steadyNow() >= this.deadline) throw timedOut(what);
  }

  /**
   * Waits for something, at most until the deadline.
   *
   * @param what will not have come about
   * @param late makes the error when the deadline came first
   * @param failed makes the error of what `pending` rejects with
   * @param graceMs how much longer, for what knows the deadline itself
   * @throws ServicesError `BERTH_SERVICE_TIMEOUT`, or what `late` makes; what `pending` rejects with, or `failed` makes
   */
  within<T>(
    pending: PromiseLike<T>,
    what: string,
    late: (what: string) => Error = timedOut,
    failed: (thrown: unknown) => Error = itself,
    graceMs = 0,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const alarm = this.#atDeadline(() => {
        const reason = late(what);
        this.abort(reason);
        reject(reason);
      }, graceMs);
      const fail = (thrown: unknown): void => {
        this.alarms.remove(alarm);
        reject(failed(thrown));
      };
      try {
        pending.then((value) => {
          this.alarms.remove(alarm);
          resolve(value);
        }, fail);
      } catch (thrown) {
        // A promise may have a `then` of its own, and that throws.
        fail(thrown);
      }
    });
  }

  /**
   * Tells once when the deadline has come or the caller has left.
   *
   * @returns to be called when nobody wants to know it any more
   */
  watch(over: (reason: ServicesError) => void, what: string): () => void {
    const signal = this.cancellation?.signal;
    const end = (reason: ServicesError): void => {
      stop();
      over(reason);
    };
    const left = (): void => end(cancelled());
    const alarm = this.#atDeadline(() => end(timedOut(what)));
    const stop = (): void => {
      this.alarms.remove(alarm);
      signal?.removeEventListener('abort', left);
    };
    signal?.addEventListener('abort', left, { once: true });
    if (signal?.aborted === true) queueMicrotask(left);
    return stop;
  }

  /** Waits, unless the caller leaves. @throws ServicesError `BERTH_SERVICE_CANCELLED` */
  async pause(ms: number): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: this.cancellation?.signal });
    } catch {
      throw cancelled();
    }
  }

  #atDeadline(ring: () => void, graceMs = 0): Alarm {
    const alarm = { deadline: this.deadline + graceMs, ring, heapIndex: -1 };
    this.alarms.add(alarm);
    return alarm;
  }
}

export function timedOut(what: string): ServicesError {
  return new ServicesError('BERTH_SERVICE_TIMEOUT', `the deadline passed: ${what}`);
}

function cancelled(): ServicesError {
  return new ServicesError('BERTH_SERVICE_CANCELLED', 'the caller has left');
}

function itself(thrown: unknown): Error {
  return thrown as Error;
}
