import type { Invocation, InvocationReply } from '../../invocation/invocation.js';
import type {
  BusCallOptions,
  BusHandler,
  BusSubscription,
  DeadLetter,
  InvocationBus,
  Subscription,
} from '../invocation-bus.js';
import { Calls } from './calls.js';
import { listDeadLetters, removeDeadLetter } from './dead-letters.js';
import { Host } from './host.js';
import { Inbox } from './inbox.js';
import { Latch } from './latch.js';
import { type RedisBusLimits, redisBusLimits, type RedisBusOptions } from './options.js';
import { away, closedBus } from '../refusals.js';
import { Session } from './session.js';

/** How long {@link RedisBus.close} waits for the broker to know of it, ms. */
const FAREWELL_MS = 1_000;

/**
 * The bus between processes, over Redis from 7.0 or Valkey; two connections for
 * each bus. How it works is in {@link busScript} and docs/services.md.
 *
 * Beyond what {@link InvocationBus} says:
 *
 * - While the broker is away calls wait for it until their deadlines. What it had
 *   accepted goes on when it is back; what it did not get is sent again, once.
 * - A broker that comes back without its memory: calls that were accepted fail as
 *   OUTCOME_UNKNOWN, but those at least once are sent again, and subscriptions come back.
 * - An invocation that was accepted while its agent is gone waits for the next one until its deadline.
 * - A caller that leaves, or closes its bus, before a method has begun takes its invocation along; what runs is told
 *   by its signal. Another delivery of the same invocation is not.
 * - Deadlines are kept by the broker's clock: those of hosts may differ. What is refused as too late after a clock was
 *   set, or a host slept, is sent again, or looked at again, when the clocks have been compared.
 */
export class RedisBus implements InvocationBus {
  readonly #limits: RedisBusLimits;
  readonly #session: Session;
  readonly #inbox: Inbox;
  readonly #calls: Calls;
  readonly #host: Host;
  #closing: Promise<void> | undefined;

  /**
   * Begins to connect, and goes on trying until {@link close}.
   *
   * @throws ServicesError `BERTH_SERVICE_INVALID` for an option that is wrong
   */
  constructor(options: RedisBusOptions) {
    const limits = redisBusLimits(options);
    this.#limits = limits;
    const link = {
      url: options.url,
      connectTimeoutMs: limits.connectTimeoutMs,
      silenceMs: limits.workerTimeoutMs,
      log: options.log,
    };
    this.#session = new Session(limits, link, {
      trim: () => this.#inbox.trim(),
      alive: () => this.#host.alive(),
      declaredDead: () => {
        this.#inbox.renamed({ replies: false });
        this.#host.startAgain();
      },
      forgotten: () => {
        this.#inbox.renamed({ replies: true });
        this.#host.startAgain();
        this.#calls.brokerForgot();
      },
    });
    this.#calls = new Calls(limits, this.#session);
    this.#host = new Host(limits, this.#session, () => this.health().state === 'up');
    this.#inbox = new Inbox(link, {
      streams: () => ({
        replies: `${limits.keyPrefix}in:${this.#session.caller}`,
        work: `${limits.keyPrefix}work:${this.#session.worker}`,
      }),
      reply: (number, answer) => {
        if (number === '0') this.#host.told(answer.toString('latin1'));
        else this.#calls.answered(number, answer);
      },
      work: (id, subscription, record) => this.#host.take(id, subscription, record),
      handed: (all) => this.#host.handed(all),
    });
    this.#session.start();
    this.#inbox.start();
  }

  /**
   * A bus whose broker is there.
   *
   * @throws ServicesError `BERTH_SERVICE_INVALID`; `BERTH_SERVICE_BUS_UNAVAILABLE` not within `connectTimeoutMs`
   */
  static async connect(options: RedisBusOptions): Promise<RedisBus> {
    const bus = new RedisBus(options);
    try {
      await bus.ready();
    } catch (thrown) {
      await bus.close();
      throw thrown;
    }
    return bus;
  }

  /** @throws ServicesError `BERTH_SERVICE_BUS_UNAVAILABLE` not within `connectTimeoutMs`; the bus goes on trying */
  async ready(): Promise<void> {
    const { connectTimeoutMs } = this.#limits;
    await Latch.all([this.#session.up, this.#inbox.up], connectTimeoutMs, () => this.#closing !== undefined);
    const { state, reason } = this.health();
    if (state === 'closed') throw closedBus();
    if (state === 'down') throw away('no connection yet', reason ?? '');
  }

  invoke(invocation: Invocation, options: BusCallOptions): Promise<InvocationReply> {
    return new Promise((resolve, reject) => {
      if (this.#closing !== undefined) throw closedBus();
      // What is thrown here rejects the promise.
      this.#calls.invoke(invocation, options, resolve, reject);
    });
  }

  async serve(subscription: Subscription, handler: BusHandler): Promise<BusSubscription> {
    if (this.#closing !== undefined) throw closedBus();
    return this.#host.serve(subscription, handler);
  }

  health(): { readonly state: 'up' | 'down' | 'closed'; readonly reason?: string | undefined } {
    if (this.#closing !== undefined) return { state: 'closed' };
    for (const { up, reason } of [this.#session, this.#inbox]) if (!up.is) return { state: 'down', reason };
    return { state: 'up' };
  }

  async deadLetters(service: string, partition: number, limit?: number): Promise<DeadLetter[]> {
    await this.ready();
    return listDeadLetters(this.#session, this.#limits.keyPrefix, { service, partition, limit });
  }

  async removeDeadLetter(service: string, partition: number, id: string): Promise<boolean> {
    await this.ready();
    return removeDeadLetter(this.#session, this.#limits.keyPrefix, { service, partition, id });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#calls.close();
    this.#host.close();
    if (this.#session.up.is) await this.#session.settled(FAREWELL_MS);
    this.#session.close();
    this.#inbox.close();
  }
}
