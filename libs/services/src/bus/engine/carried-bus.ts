import { ServicesError } from '../../errors.js';
import type { Invocation, InvocationReply } from '../../invocation/invocation.js';
import type { BusCallOptions, BusHandler, BusSubscription, InvocationBus, Subscription } from '../invocation-bus.js';
import { type BusLimits, busLimits } from '../bus-options.js';
import { LetteredBus } from '../lettered-bus.js';
import { away, closedBus, headTooLarge } from '../refusals.js';
import type { Carrier } from './carrier.js';
import { encodeCall, errorOf, replyOf } from './call-codec.js';
import { Incoming } from './incoming.js';
import { announcementOf, type Member } from './member.js';
import { decode, encode, type Head, MAX_HEAD_BYTES } from './message.js';
import { type CarriedBusOptions, carriedBusTimes, checkSubscription } from './options.js';
import type { OutCall } from './out-call.js';
import { Outgoing } from './outgoing.js';
import { Presence } from './presence.js';
import { steadyNow } from '../../runtime/clock.js';

/**
 * A bus of several processes. Each has an engine for the calls that come to it; a carrier takes messages from one to
 * the other. Nothing is kept between them: a call lives in its caller, and in the member that runs it.
 */
export class CarriedBus extends LetteredBus implements InvocationBus {
  protected readonly limits: BusLimits;
  private readonly times: ReturnType<typeof carriedBusTimes>;
  private readonly presence: Presence;
  private readonly incoming: Incoming;
  private readonly outgoing: Outgoing;
  private readonly subscriptions = new Set<() => void>();
  private heldBefore = '';

  /** @throws ServicesError `BERTH_SERVICE_INVALID` for an option out of its range */
  constructor(
    private readonly carrier: Carrier,
    options: CarriedBusOptions,
  ) {
    super(options);
    const limits = busLimits(options);
    this.times = carriedBusTimes(options);
    const most = carrier.maxBytes - MAX_HEAD_BYTES;
    const payloadBound = `${carrier.maxBytesName}, less ${MAX_HEAD_BYTES},`;
    this.limits = most < limits.maxPayloadBytes ? { ...limits, maxPayloadBytes: most, payloadBound } : limits;
    this.presence = new Presence(carrier, this.times.workerTimeoutMs, {
      changed: () => this.changed(),
      gone: (member) => this.gone(member),
      disturbed: ({ id }) => this.inquire(id),
      lapsed: () => this.lapsed(),
      held: () => this.incoming.held(),
    });
    this.incoming = new Incoming(carrier, this.presence, this.limits, this.letters);
    const isUp = (): boolean => carrier.health().state === 'up';
    this.outgoing = new Outgoing(
      {
        get isUp() {
          return isUp();
        },
        get trouble() {
          return carrier.health().reason ?? 'it has gone';
        },
        route: (service, partition) => this.presence.routes.find(service, partition),
        send: (to, call) => this.send(to, call),
        left: (to, number) => this.left(to, number),
        letters: this.letters,
      },
      this.limits,
    );
  }

  /** Finds those that are there. To be called once, before all else. */
  async open(): Promise<void> {
    const { carrier, presence } = this;
    const events = {
      announced: (bytes: Uint8Array) => this.received(bytes),
      received: (bytes: Uint8Array) => this.received(bytes),
      // It was never begun: nobody had it.
      unreached: (tag: string) => this.outgoing.cameBack(Number(tag), undefined, false),
      down: (reason: string) => {
        this.log?.warn({ reason }, 'the broker is away');
        presence.down();
      },
      up: () => {
        this.log?.info({}, 'the broker is back');
        presence.back();
        this.outgoing.pumpAll();
      },
    };
    const anybody = await carrier.open(events, encode(['q', carrier.id]));
    presence.announce();
    await carrier.flush();
    if (anybody) await presence.complete();
  }

  invoke(invocation: Invocation, options: BusCallOptions): Promise<InvocationReply> {
    return this.closed ? Promise.reject(closedBus()) : this.outgoing.invoke(invocation, options);
  }

  async serve(subscription: Subscription, handler: BusHandler): Promise<BusSubscription> {
    this.checkOpen();
    checkSubscription(subscription);
    await this.untilUp(subscription);
    const { carrier, presence } = this;
    const { engine } = this.incoming;
    const serving = presence.serve(subscription);
    const worker = engine.serve(subscription, handler);
    this.changed();
    const serve = await serving;
    let left: Promise<void> | undefined;
    const leave = (): void => {
      left ??= presence.leave(serve);
      this.changed();
    };
    const close = (): void => {
      worker.open = false;
    };
    this.subscriptions.add(close);
    return {
      get state() {
        if (!worker.open) return 'stopped';
        return carrier.health().state === 'up' ? 'running' : 'reconnecting';
      },
      stop: async (timeoutMs) => {
        this.subscriptions.delete(close);
        await engine.stop(worker, timeoutMs, leave);
        await left;
      },
    };
  }

  private async untilUp({ service }: Subscription): Promise<void> {
    const end = steadyNow() + this.times.connectTimeoutMs;
    while (this.carrier.health().state !== 'up') {
      this.checkOpen();
      if (steadyNow() >= end) throw away(`an agent of ${service} cannot start`, this.carrier.health().reason ?? '');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  health(): { readonly state: 'up' | 'down' | 'closed'; readonly reason?: string | undefined } {
    return this.closed ? { state: 'closed' } : this.carrier.health();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.outgoing.close();
    // Those to whom calls go back must not send them here again.
    this.presence.retire();
    this.incoming.close();
    for (const end of this.subscriptions) end();
    this.presence.close();
    await this.letters.close();
    await this.carrier.close();
  }

  // ---- what the members do

  private changed(): void {
    if (this.closed) return;
    this.incoming.engine.sweep();
    const held = this.incoming.held().join('\n');
    if (held !== this.heldBefore) {
      this.heldBefore = held;
      this.presence.announce();
    }
    this.outgoing.pumpAll();
  }

  private gone({ id }: Member): void {
    this.log?.info({ member: id }, 'a process of the bus has gone');
    for (const number of this.outgoing.at(id)) this.outgoing.lost(number);
    this.incoming.gone(id);
  }

  private inquire(id: string): void {
    const numbers = this.outgoing.at(id);
    if (numbers.length > 0) this.carrier.send(id, encode(['a', this.carrier.id, numbers]));
  }

  private lapsed(): void {
    this.log?.warn({}, 'this process was not heard in time: its objects may be with others now');
    this.incoming.engine.sweep();
    this.incoming.engine.cutObjects();
    this.incoming.engine.sweep();
  }

  // ---- messages

  private send(to: string, call: OutCall): void {
    const { invocation, number, deadline, key } = call;
    if (to === this.carrier.id) {
      this.sendToSelf(call);
      return;
    }
    const bytes = encodeCall(this.carrier.id, call, deadline - steadyNow());
    const head = bytes.length - invocation.payload.length;
    if (head > MAX_HEAD_BYTES) this.outgoing.failed(number, headTooLarge(invocation, head, MAX_HEAD_BYTES));
    else this.carrier.send(to, bytes, key, String(number));
  }

  private sendToSelf({ invocation, delivery, deadline, number, attempt }: OutCall): void {
    const over = <T extends unknown[]>(then: (...args: T) => void): ((...args: T) => void) => {
      return (...args) => {
        this.incoming.forget(this.carrier.id, number);
        then(...args);
      };
    };
    const fate = {
      resolve: over((reply: InvocationReply) => this.outgoing.answered(number, reply)),
      reject: over((error: ServicesError) => this.outgoing.failed(number, error)),
      giveBack: over((attempts: number) => this.outgoing.cameBack(number, attempts, true)),
    };
    try {
      const taken = this.incoming.take(invocation, delivery, deadline, fate, attempt);
      if (taken === undefined) this.outgoing.cameBack(number, attempt, false);
      else this.incoming.keep(this.carrier.id, number, taken);
    } catch (thrown) {
      if (!(thrown instanceof ServicesError)) throw thrown;
      this.outgoing.failed(number, thrown);
    }
  }

  private left(to: string, number: number): void {
    if (to === this.carrier.id) this.incoming.leave(to, number);
    else this.carrier.send(to, encode(['l', this.carrier.id, number]));
  }

  private received(bytes: Uint8Array): void {
    const message = decode(bytes);
    if (message === undefined) return;
    const { head, payload } = message;
    const [kind, first, second] = head;
    if (this.closed) {
      if (kind === 'c') this.carrier.send(String(first), encode(['b', second, head[3], 0]));
      return;
    }
    if (kind === 'c') this.incoming.called(head, payload);
    else if (kind === 'r') this.outgoing.answered(first as number, replyOf(payload));
    else if (kind === 'e') this.outgoing.failed(first as number, errorOf(head));
    else if (kind === 'b') this.outgoing.cameBack(first as number, Number(second), head[3] === 1);
    else if (kind === 'l') this.incoming.leave(String(first), second as number);
    else if (kind === 'a' && Array.isArray(second)) this.incoming.asked(String(first), second as number[]);
    else if (kind === 'x' && Array.isArray(first))
      this.missed(first as number[], Array.isArray(second) ? (second as number[]) : []);
    else if (kind === 'h') this.announced(head);
    else if (kind === 's') this.presence.seen(String(first), Number(second));
    else if (kind === 'q') this.presence.greet(String(first));
  }

  /** @param never calls that have not come, and never will */
  private missed(lost: readonly number[], never: readonly number[]): void {
    for (const number of never) this.outgoing.cameBack(number, undefined, true);
    for (const number of lost) this.outgoing.lost(number);
  }

  private announced(head: Head): void {
    const said = announcementOf(head);
    if (said !== undefined) this.presence.heard(said);
  }
}
