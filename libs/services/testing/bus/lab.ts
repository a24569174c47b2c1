import { eventually } from '@berth/testing';
import { ServicesError } from '../../src/errors.js';
import type { DeadLetter } from '../../src/letters/dead-letter.js';
import type {
  BusDelivery,
  BusHandler,
  BusSubscription,
  InvocationBus,
  Subscription,
} from '../../src/bus/invocation-bus.js';
import {
  type Delivery,
  type Invocation,
  type InvocationReply,
  InvocationStatus,
} from '../../src/invocation/invocation.js';

/** The bounds that every bus has, with its own defaults. */
export interface BusBounds {
  readonly maxPendingCalls?: number;
  readonly maxQueuedPerObject?: number;
  readonly maxQueuedPerMethod?: number;
  readonly maxPayloadBytes?: number;
  readonly maxDeliveries?: number;
  readonly defaultTimeoutMs?: number;
  readonly deadLetterLimit?: number;
}

/** Buses that reach each other. */
export interface Buses {
  /** a bus like that of another process; a bus of one process gives itself */
  connect(): Promise<InvocationBus>;
  /** closes all of them and what is behind */
  close(): Promise<void>;
}

export type MakeBuses = (bounds: BusBounds) => Promise<Buses>;

export const SERVICE = 'shop.Counter';
const EMPTY = new Uint8Array(0);
let lastId = 0;

/** An invocation of `shop.Counter.add` in partition 0. */
export function invocation(part: Partial<Invocation> = {}): Invocation {
  lastId += 1;
  return { id: `call-${lastId}`, service: SERVICE, method: 'add', partition: 0, payload: EMPTY, options: {}, ...part };
}

export function ofObject(objectId: string, part: Partial<Invocation> = {}): Invocation {
  return invocation({ objectId, ...part });
}

export function subscription(part: Partial<Subscription> = {}): Subscription {
  return { service: SERVICE, partition: 0, statelessMethods: ['add'], concurrency: 10, ...part };
}

export function okay({ invocation: { id } }: BusDelivery, payload?: Uint8Array): InvocationReply {
  return { status: InvocationStatus.OKAY, payload, headers: {}, invocationId: id };
}

/** A handler that answers at once, with a word that tells who did. */
export function answering(word: string): BusHandler {
  return (delivery) => Promise.resolve(okay(delivery, Buffer.from(word)));
}

export function textOf({ payload }: InvocationReply): string | undefined {
  return payload === undefined ? undefined : Buffer.from(payload).toString();
}

/** A promise that is kept from outside. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return {
    opened: promise,
    open: () => {
      resolve(undefined);
    },
  };
}

/** A handler whose deliveries are answered when the test says so. */
export class HeldHandler {
  readonly begun: BusDelivery[] = [];
  private readonly replies: { delivery: BusDelivery; settle: (reply: InvocationReply) => void }[] = [];

  readonly handle: BusHandler = (delivery) =>
    new Promise((settle) => {
      this.begun.push(delivery);
      this.replies.push({ delivery, settle });
    });

  /** Answers the oldest one. */
  answer(word = 'done'): void {
    const held = this.replies.shift();
    if (held === undefined) throw new Error('nothing is held');
    held.settle(okay(held.delivery, Buffer.from(word)));
  }

  answerAll(): void {
    while (this.replies.length > 0) this.answer();
  }
}

/** The code with which a promise is rejected; throws when it is kept. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof ServicesError) return thrown.code;
    throw thrown;
  }
  throw new Error('the promise was kept');
}

/** A promise whose rejection is looked at later. */
export function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** The dead letters of the service's partition 0, when there are so many. */
export function letters(lab: Lab, count: number): Promise<DeadLetter[]> {
  return eventually(async () => {
    const all = await lab.caller.deadLetters(SERVICE, 0);
    return all.length === count ? all : undefined;
  });
}

/** One test with buses of its own. */
export class Lab {
  private constructor(
    private readonly buses: Buses,
    /** the one that calls */
    readonly caller: InvocationBus,
  ) {}

  static async open(make: MakeBuses, bounds: BusBounds): Promise<Lab> {
    const buses = await make(bounds);
    return new Lab(buses, await buses.connect());
  }

  /** Takes part with a bus of its own. */
  async serve(part: Partial<Subscription>, handler: BusHandler): Promise<BusSubscription> {
    const bus = await this.buses.connect();
    return bus.serve(subscription(part), handler);
  }

  connect(): Promise<InvocationBus> {
    return this.buses.connect();
  }

  call(call: Invocation, delivery: Delivery = 'at-most-once', signal?: AbortSignal): Promise<InvocationReply> {
    return later(this.caller.invoke(call, { delivery, signal }));
  }

  close(): Promise<void> {
    return this.buses.close();
  }
}

/** A test in a lab that is closed after it. */
export function labTest(
  make: MakeBuses,
): (name: string, body: (lab: Lab) => Promise<void>, bounds?: BusBounds, timeoutMs?: number) => void {
  return (name, body, bounds = {}, timeoutMs = 20_000) => {
    it(
      name,
      async () => {
        const lab = await Lab.open(make, bounds);
        try {
          await body(lab);
        } finally {
          await lab.close();
        }
      },
      timeoutMs,
    );
  };
}
