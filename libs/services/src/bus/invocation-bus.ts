import type { Log } from '@berth/observability';
import type { Delivery, Invocation, InvocationReply } from '../invocation/invocation.js';
import type { DeadLetter } from '../letters/dead-letter.js';

/** What an agent takes from the bus. */
export interface Subscription {
  /** `package.Service` */
  readonly service: string;
  readonly partition: number;
  /** absent: every object of the service */
  readonly objectId?: string | undefined;
  /** the stateless methods; those of objects need no list, their objects are taken whole */
  readonly statelessMethods: readonly string[];
  /** how many invocations of this subscription may run at once, 1.. */
  readonly concurrency: number;
}

/** One delivery of an invocation to a handler. */
export interface BusDelivery {
  readonly invocation: Invocation;
  readonly delivery: Delivery;
  /** 1 for the first */
  readonly attempt: number;
  /** aborted at the deadline, when the caller left or the subscription was cut; its reason is the first of these */
  readonly signal: AbortSignal;
  /** somebody else has it now, or nobody any more: what its handler does from now on counts no more */
  readonly isCut: boolean;
  /** as long as it is the same one, no other process has had the objects that this one had; absent: nobody knows */
  readonly term?: number | undefined;
}

/**
 * Runs an invocation. It settles in any case and does not reject: what goes
 * wrong is in the reply. Should it reject, the bus answers SYSTEM_ERROR.
 */
export type BusHandler = (delivery: BusDelivery) => Promise<InvocationReply>;

/** A handler that takes part. */
export interface BusSubscription {
  /** `reconnecting` while the broker is away */
  readonly state: 'running' | 'reconnecting' | 'stopped';
  /**
   * Takes nothing new; resolves when what runs has been answered, or after
   * `timeoutMs`, when the rest is cut off (its signal is aborted) and handled
   * as if this worker had died.
   */
  stop(timeoutMs: number): Promise<void>;
}

export interface BusCallOptions {
  readonly delivery: Delivery;
  /** gives up waiting; what runs already may end */
  readonly signal?: AbortSignal | undefined;
}

/** How {@link InvocationBus.retryDeadLetter} calls. */
export interface RetryOptions extends Pick<BusCallOptions, 'signal'> {
  /** until the deadline of the call, ms, from 1; default: the bus's `defaultTimeoutMs` */
  readonly timeoutMs?: number | undefined;
}

/**
 * Carries invocations to agents and replies back (checklist B14).
 *
 * - A stateless invocation goes to one of the subscriptions that list its method.
 * - An object's invocations go to one subscription of that object or, where
 *   there is none, to one of those for every object. They run one at a time, in
 *   the order in which they were accepted, across all processes; different
 *   objects run side by side.
 * - `at-most-once`: a handler is begun once or never. `at-least-once`: when the
 *   worker dies, another one takes it, `maxDeliveries` times in all; then it is
 *   a dead letter. An at-least-once invocation that fails is a dead letter too, unless its method gave up because
 *   its caller had left.
 * - What was accepted waits for an agent until its deadline (without one, for `defaultTimeoutMs`), should all agents
 *   leave. A caller that leaves before its method has begun takes its invocation along.
 * - A reply over the bus's `maxPayloadBytes` reaches the caller as `BERTH_SERVICE_BAD_RESULT`.
 */
export interface InvocationBus {
  /**
   * @param invocation its `deadline` bounds the wait; without one the bus's `defaultTimeoutMs` does
   * @throws ServicesError `BERTH_SERVICE_NO_AGENT` nobody serves it; `BERTH_SERVICE_BUSY` a queue is
   *   full; `BERTH_SERVICE_PAYLOAD_TOO_LARGE`; `BERTH_SERVICE_TIMEOUT` no reply by the deadline;
   *   `BERTH_SERVICE_BUS_UNAVAILABLE` not accepted, the broker is away or the bus is closed;
   *   `BERTH_SERVICE_OUTCOME_UNKNOWN` accepted, and its worker or the broker's memory was lost;
   *   `BERTH_SERVICE_CANCELLED` the signal was aborted
   */
  invoke(invocation: Invocation, options: BusCallOptions): Promise<InvocationReply>;

  /**
   * Takes part in serving. Resolves when invocations sent from now on can reach the handler.
   *
   * @throws ServicesError `BERTH_SERVICE_BUS_UNAVAILABLE`
   */
  serve(subscription: Subscription, handler: BusHandler): Promise<BusSubscription>;

  /** Where to tell what happens to the bus, unless it was made with a log of its own; a runtime gives it its own. */
  useLog?(log: Log): void;

  /** `up`, or why not, for health checks. */
  health(): { readonly state: 'up' | 'down' | 'closed'; readonly reason?: string | undefined };

  /**
   * Dead letters of a service, oldest first: those of this process, or of all that write to the same store. One is
   * written beside its call, and may be there a little later than the answer.
   *
   * @throws ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE` where there is a store
   */
  deadLetters(service: string, partition: number, limit?: number): Promise<DeadLetter[]>;
  /** @returns whether it was there. @throws ServicesError as {@link deadLetters} */
  removeDeadLetter(service: string, partition: number, id: string): Promise<boolean>;
  /**
   * Calls a dead letter again, with its id, key and delivery and a new deadline. When the reply is OKAY the letter goes;
   * a call that fails again has a newer reason, written before this settles. Of two retries of one letter in one process
   * the second has the reply of the first; those of two processes are two calls.
   *
   * @returns the reply; undefined: there is no such letter
   * @throws ServicesError as {@link invoke} and {@link deadLetters}: the letter is kept
   */
  retryDeadLetter(
    service: string,
    partition: number,
    id: string,
    options?: RetryOptions,
  ): Promise<InvocationReply | undefined>;

  /** Stops subscriptions at once, fails waiting calls with `BERTH_SERVICE_BUS_UNAVAILABLE`, leaves no timer or socket. */
  close(): Promise<void>;
}
