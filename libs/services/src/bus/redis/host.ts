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

/** The subscriptions of this process. */
export class Host {
  readonly #workers = new Map<string, Worker>();
  readonly #deadlines = new Deadlines<RedisDelivery>((delivery) => delivery.abort(timedOut(delivery.invocation)));
  /** what came while others may have declared this worker dead */
  #held: (() => void)[] = [];
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
    const { session } = this;
    const worker = this.#workers.get(number);
    // What came too late for it goes back with the step by which it leaves.
    if (worker?.open !== true) return;
    const begin = (): void => {
      if (!worker.open) return;
      const delivery = this.#read(id, number, record);
      if (delivery === undefined) return;
      if (delivery.deadline <= Date.now()) {
        session.pipeline.push(delivery.answer('', 'expired'));
        return;
      }
      this.#deadlines.add(delivery);
      void worker.run(delivery);
    };
    if (session.alive) begin();
    else this.#held.push(begin);
  }

  /** What is said to this process: '' as a greeting, or that the caller of an invocation has left. */
  told(text: string): void {
    if (!text.startsWith('C')) return;
    const call = text.slice(1);
    for (const { running } of this.#workers.values())
      for (const delivery of running) if (delivery.call === call) delivery.abort(cancelled(delivery.invocation));
  }

  /** Nobody has declared this worker dead. */
  alive(): void {
    if (this.#held.length === 0 || !this.session.alive) return;
    for (const begin of this.#held.splice(0)) begin();
  }

  /** The broker knows nothing of this worker any more; it comes back under another name. */
  startAgain(): void {
    this.#held = [];
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

  async #stop(worker: Worker, timeoutMs: number): Promise<void> {
    worker.leave();
    const cut = (): void => worker.cut(lost);
    const timer = worker.running.size > 0 && timeoutMs > 0 ? setTimeout(cut, timeoutMs) : undefined;
    if (timer === undefined) cut();
    await worker.idle();
    clearTimeout(timer);
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
