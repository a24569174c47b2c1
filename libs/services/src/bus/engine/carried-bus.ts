import type { BusHandler, BusSubscription, InvocationBus, Subscription } from '../invocation-bus.js';
import {
  type BusLimits,
  busLimits,
  type CarriedBusOptions,
  carriedBusTimes,
  checkSubscription,
} from '../bus-options.js';
import { EngineBus } from '../engine-bus.js';
import { invalid } from '../../errors.js';
import { away } from '../refusals.js';
import { steadyNow } from '../../runtime/clock.js';
import type { Carrier } from './carrier.js';
import { errorOf, replyOf } from './call-codec.js';
import { Incoming } from './incoming.js';
import { announcementOf, isId, type Member } from './member.js';
import { decode, encode, type Head, MAX_HEAD_BYTES } from './message.js';
import { Presence } from './presence.js';
import { SharedEngine } from './shared-engine.js';

/** Most calls that are asked for in one message: it has to be taken by the carrier. */
const MOST_NUMBERS = 5_000;

/**
 * A bus of several processes. Each has an engine, of which the agents of the others are workers too; a carrier takes
 * messages from one to the other. Nothing is kept between them: a call lives in its caller, and in the member that
 * runs it.
 */
export class CarriedBus extends EngineBus implements InvocationBus {
  protected readonly engine: SharedEngine;
  private readonly times: ReturnType<typeof carriedBusTimes>;
  private readonly presence: Presence;
  private readonly incoming: Incoming;
  /** the last call when somebody was asked for those that take long */
  private sentBefore = 0;
  private hasStrangers = false;

  /** @throws ServicesError `BERTH_SERVICE_INVALID` for an option out of its range */
  constructor(
    private readonly carrier: Carrier,
    options: CarriedBusOptions,
  ) {
    super(options, limitsOver(carrier, options));
    this.times = carriedBusTimes(options);
    this.presence = new Presence(carrier, this.times.workerTimeoutMs, {
      serves: (member, part) => this.engine.know(member, part),
      changed: () => this.changed(),
      gone: (member) => this.gone(member),
      disturbed: ({ id }) => this.inquire(id, this.engine.sentTo().get(id)),
      waited: () => this.waited(),
      lapsed: () => this.lapsed(),
      held: () => this.engine.held(),
    });
    this.engine = new SharedEngine(this.limits, this.letters, carrier, this.presence);
    this.incoming = new Incoming(carrier, this.presence, this.engine);
  }

  /** Finds those that are there. To be called once, before all else. */
  async open(): Promise<void> {
    const { carrier, presence } = this;
    const events = {
      received: (bytes: Uint8Array) => this.received(bytes),
      unreached: (tag: string) => {
        presence.settle();
        this.engine.unreached(Number(tag));
      },
      down: (reason: string) => {
        this.log?.warn({ reason }, 'the broker is away');
        presence.down();
        this.engine.sweep();
      },
      up: () => {
        this.log?.info({}, 'the broker is back');
        presence.back();
        this.engine.sweep();
      },
    };
    const anybody = await carrier.open(events, encode(['q', carrier.id]));
    presence.own.announce();
    await carrier.flush();
    if (anybody) await presence.complete();
  }

  async serve(subscription: Subscription, handler: BusHandler): Promise<BusSubscription> {
    this.checkOpen();
    checkSubscription(subscription);
    this.checkSize(subscription);
    await this.untilUp(subscription);
    const { presence, engine } = this;
    const { serve, known } = presence.own.serve(subscription);
    const worker = engine.serve(subscription, handler, serve.since);
    await known;
    let left: Promise<void> | undefined;
    const leave = (): void => {
      left ??= presence.own.leave(serve);
      this.changed();
    };
    return {
      get state() {
        if (!worker.open) return 'stopped';
        return presence.isUp ? 'running' : 'reconnecting';
      },
      stop: async (timeoutMs) => {
        await engine.stop(worker, timeoutMs, leave);
        await left;
      },
    };
  }

  /** All others have to be told of it. */
  private checkSize({ service, statelessMethods }: Subscription): void {
    const { maxBytes, maxBytesName } = this.carrier;
    const length = Buffer.byteLength(JSON.stringify(statelessMethods));
    if (length > maxBytes - MAX_HEAD_BYTES)
      throw invalid(`the names of the methods of ${service} have ${length} bytes; ${maxBytesName} is ${maxBytes}`);
  }

  private async untilUp({ service }: Subscription): Promise<void> {
    const end = steadyNow() + this.times.connectTimeoutMs;
    for (let { trouble } = this.presence; trouble !== undefined; { trouble } = this.presence) {
      this.checkOpen();
      if (steadyNow() >= end) throw away(`an agent of ${service} cannot start`, trouble);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  health(): { readonly state: 'up' | 'down' | 'closed'; readonly reason?: string | undefined } {
    return this.closed ? { state: 'closed' } : this.carrier.health();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    // Those to whom calls go back must not send them here again.
    this.presence.own.retire();
    this.engine.close();
    this.presence.close();
    await this.letters.close();
    await this.carrier.close();
  }

  // ---- what the members do

  private changed(): void {
    if (!this.closed) this.engine.sweep();
  }

  private gone(member: Member): void {
    this.log?.info({ member: member.id }, 'a process of the bus has gone');
    this.engine.gone(member);
    this.incoming.gone(member.id);
  }

  /** Asks a member for calls: they, or what came of them, may have got lost. */
  private inquire(id: string, numbers: readonly number[] = []): void {
    for (let at = 0; at < numbers.length; at += MOST_NUMBERS)
      this.carrier.send(id, encode(['a', this.carrier.id, numbers.slice(at, at + MOST_NUMBERS)]));
  }

  /** Not every loss shows as a broken connection: servers of a cluster have connections among them. */
  private waited(): void {
    for (const [id, numbers] of this.engine.sentTo(this.sentBefore)) this.inquire(id, numbers);
    this.sentBefore = this.engine.numbers;
  }

  private lapsed(): void {
    this.log?.warn({}, 'this process was not heard in time: its objects may be with others now');
    this.engine.sweep();
    this.engine.cutObjects();
    this.engine.sweep();
  }

  // ---- messages

  private received(bytes: Uint8Array): void {
    const message = decode(bytes);
    if (message === undefined) return;
    try {
      this.take(message.head, message.payload);
    } catch (thrown) {
      this.log?.error({ err: thrown }, 'a message of another process could not be taken');
    }
  }

  private take(head: Head, payload: Buffer | undefined): void {
    const [kind, first, second] = head;
    if (this.closed) {
      if (kind === 'c') this.carrier.send(String(first), encode(['b', second, head[3], 0]));
      return;
    }
    // What is sent there may be thrown at later, where nothing catches it.
    if ('aclq'.includes(kind) && !isId(first)) return;
    const { engine, incoming, presence } = this;
    const number = first as number;
    const from = String(first);
    if (kind === 'h') {
      const said = announcementOf(head);
      if (said !== undefined) presence.heard(said);
      else this.meetStranger();
    } else if (kind === 'q') presence.greet(from);
    else presence.settle();
    if (kind === 'c') incoming.called(head, payload);
    else if (kind === 'r') engine.answered(number, replyOf(payload));
    else if (kind === 'e') engine.failed(number, errorOf(head));
    else if (kind === 'b') engine.cameBack(number, Number(second), head[3] === 1);
    else if (kind === 'l') incoming.leave(from, second as number);
    else if (kind === 'a') incoming.asked(from, numbersIn(second));
    else if (kind === 'x') {
      // Calls that have not come, and never will, and those of which nothing is known.
      for (const never of numbersIn(second)) engine.cameBack(never, undefined, true);
      for (const lost of numbersIn(first)) engine.lost(lost);
    }
  }

  private meetStranger(): void {
    if (this.hasStrangers) return;
    this.hasStrangers = true;
    this.log?.warn(
      {},
      'a process of another version of this library is on the bus, and is not understood: its calls do not come here',
    );
  }
}

function numbersIn(list: unknown): number[] {
  return Array.isArray(list) ? (list as number[]) : [];
}

/** A carrier may take less than the options would. */
function limitsOver({ maxBytes, maxBytesName }: Carrier, options: CarriedBusOptions): BusLimits {
  const limits = busLimits(options);
  const most = maxBytes - MAX_HEAD_BYTES;
  if (most >= limits.maxPayloadBytes) return limits;
  return { ...limits, maxPayloadBytes: most, payloadBound: `${maxBytesName}, less ${MAX_HEAD_BYTES},` };
}
