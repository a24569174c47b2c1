import { ServicesError } from '../../errors.js';
import { checkObjectId } from '../../objects/object-id.js';
import type { BusHandler, BusSubscription, Subscription } from '../invocation-bus.js';
import { Deadlines } from '../../runtime/deadlines.js';
import { RedisDelivery } from './delivery.js';
import { decodeRecord } from './message.js';
import type { RedisBusLimits } from './options.js';
import { Step } from './pipeline.js';
import { away, cancelled, closedBus, timedOut, workerLost } from '../refusals.js';
import type { Session } from './session.js';
import { Worker } from './worker.js';

/** Callers who left that are remembered for work which has not come yet; the oldest are forgotten. */
const MAX_LEFT = 20_000;

/** The subscriptions of this process. */
export class Host {
  readonly #workers = new Map<string, Worker>();
  readonly #deadlines = new Deadlines<RedisDelivery>((delivery) => delivery.abort(timedOut(delivery.invocation)));
  /** what came while others may have declared this worker dead, or seemed to come too late */
  #held: (() => void)[] = [];
  /** calls whose callers have left, as they were told since the last read of the inbox */
  #leaving: string[] = [];
  /** those of them that do not run: their work may be held, or come with a later read */
  readonly #left = new Set<string>();
  #count = 0;

  constructor(
    private readonly limits: RedisBusLimits,
    private readonly session: Session,
    /** whether what is given to this process reaches it */
    private readonly isUp: () => boolean,
  ) {}

  /** @throws ServicesError `BERTH_SERVICE_BUS_UNAVAILABLE`, `BERTH_SERVICE_INVALID` */
  async serve(subscription: Subscription, handler: BusHandler): Promise<BusSubscription> {
    checkSubscription(subscription);
    const { session, limits } = this;
    this.#count += 1;
    const number = String(this.#count);
    const worker = new Worker(number, subscription, handler, session, limits.maxPayloadBytes, (delivery) =>
      this.#deadlines.remove(delivery),
    );
    this.#workers.set(number, worker);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        worker.leave();
        this.#workers.delete(number);
        reject(away(`'${subscription.service}' is not served`, session.reason));
      }, limits.connectTimeoutMs);
      worker.onClosed = () => {
        clearTimeout(timer);
        reject(closedBus());
      };
      worker.onJoined = () => {
        clearTimeout(timer);
        resolve();
      };
      worker.join();
    });
    const state = (): BusSubscription['state'] => {
      if (!worker.open) return 'stopped';
      return this.isUp() ? 'running' : 'reconnecting';
    };
    return {
      get state() {
        return state();
      },
      stop: (timeoutMs) => this.#stop(worker, timeoutMs),
    };
  }

  /** Something was given to this process. */
  take(id: string, number: string, record: Buffer): void {
    if (this.session.alive) this.#begin(id, number, record, false);
    else this.#hold(id, number, record);
  }

  /** What is said to this process: '' as a greeting, or that the caller of an invocation has left. */
  told(text: string): void {
    if (text.startsWith('C')) this.#leaving.push(text.slice(1));
  }

  /**
   * One read of the inbox has been handed over.
   *
   * @param all whether no more work was there: what a caller left that neither runs nor is held, does not come
   */
  handed(all: boolean): void {
    if (this.#leaving.length > 0) this.#tellLeft();
    if (all && this.#held.length === 0 && this.#left.size > 0) this.#left.clear();
  }

  /** Nobody has declared this worker dead, and the clocks have been compared just now. */
  alive(): void {
    if (this.#held.length === 0 || !this.session.alive) return;
    for (const begin of this.#held.splice(0)) begin();
  }

  /** The broker knows nothing of this worker any more; it comes back under another name. */
  startAgain(): void {
    this.#held = [];
    this.#left.clear();
    for (const worker of this.#workers.values()) {
      worker.cut(lost, true);
      if (worker.open) worker.join();
    }
  }

  /** Stops all subscriptions at once. */
  close(): void {
    this.#held = [];
    for (const worker of this.#workers.values()) {
      worker.leave();
      worker.cut(closedBus);
      worker.onClosed();
    }
    this.#workers.clear();
    this.#deadlines.close();
    this.session.pipeline.push(new Step(['Q', this.session.worker]));
  }

  #hold(id: string, number: string, record: Buffer): void {
    this.#held.push(() => this.#begin(id, number, record, true));
  }

  /** @param measured whether the clocks have been compared just now */
  #begin(id: string, number: string, record: Buffer, measured: boolean): void {
    const { session } = this;
    const worker = this.#workers.get(number);
    // What came too late for it goes back with the step by which it leaves.
    if (worker?.open !== true) return;
    const delivery = this.#read(id, number, record);
    if (delivery === undefined) return;
    if (delivery.deadline <= Date.now()) {
      if (measured) {
        session.pipeline.push(delivery.answer('', 'expired'));
      } else {
        // A clock may have been set since the two were compared.
        this.#hold(id, number, record);
        session.measure();
      }
      return;
    }
    const left = this.#left.size > 0 && this.#left.delete(delivery.call);
    if (left && delivery.attempt === 1) {
      // As if it were still in a queue: nobody waits for it, and it is no dead letter.
      session.pipeline.push(delivery.answer('', undefined));
      return;
    }
    this.#deadlines.add(delivery);
    void worker.run(delivery);
    if (left) delivery.abort(cancelled(delivery.invocation));
  }

  /** In one pass: as many may leave at once as run. */
  #tellLeft(): void {
    const left = this.#left;
    for (const call of this.#leaving.splice(0)) left.add(call);
    for (const { running } of this.#workers.values())
      for (const delivery of running) if (left.delete(delivery.call)) delivery.abort(cancelled(delivery.invocation));
    for (const call of left) {
      if (left.size <= MAX_LEFT) break;
      left.delete(call);
    }
  }

  async #stop(worker: Worker, timeoutMs: number): Promise<void> {
    worker.leave();
    const cut = (): void => worker.cut(lost);
    const timer = worker.running.size > 0 && timeoutMs > 0 ? setTimeout(cut, timeoutMs) : undefined;
    if (timer === undefined) cut();
    await worker.idle();
    clearTimeout(timer);
    worker.left();
    await this.session.settled(this.limits.connectTimeoutMs);
    this.#workers.delete(worker.number);
  }

  #read(id: string, number: string, record: Buffer): RedisDelivery | undefined {
    const { session } = this;
    try {
      return new RedisDelivery(id, session.worker, number, decodeRecord(record, session.clockOffsetMs));
    } catch {
      // Of a later version, perhaps. Somebody else may try; here its object must go on.
      session.pipeline.push(new Step(['X', session.worker, '1', id]));
      return undefined;
    }
  }
}

function lost({ invocation, attempt }: RedisDelivery): ServicesError {
  return workerLost(invocation, attempt);
}

/** @throws ServicesError `BERTH_SERVICE_INVALID` */
function checkSubscription({ service, partition, objectId, statelessMethods, concurrency }: Subscription): void {
  const problem = objectId === undefined ? undefined : checkObjectId(objectId);
  if (problem !== undefined) throw new ServicesError('BERTH_SERVICE_INVALID', problem);
  const names = [service, ...statelessMethods];
  if (service.includes('/') || names.some((name) => name === '' || name.includes('\n')))
    throw new ServicesError('BERTH_SERVICE_INVALID', `'${service}' cannot be served: a name in it has no key`);
  if (!Number.isSafeInteger(partition) || partition < 0)
    throw new ServicesError('BERTH_SERVICE_INVALID', `partition is ${partition}; it must be a whole number from 0`);
  if (!Number.isSafeInteger(concurrency) || concurrency < 1)
    throw new ServicesError('BERTH_SERVICE_INVALID', `concurrency is ${concurrency}; it must be a whole number from 1`);
}
