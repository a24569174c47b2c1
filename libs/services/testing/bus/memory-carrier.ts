import type { Carrier, CarrierEvents } from '../../src/bus/engine/carrier.js';

/** Carries within this process, each message on a turn of its own, in the order in which they were sent. */
export class MemoryCarriers {
  private readonly carriers = new Map<string, MemoryCarrier>();
  private queue: Promise<unknown> = Promise.resolve();
  private made = 0;

  make(): MemoryCarrier {
    this.made += 1;
    return new MemoryCarrier(`m${this.made}`, this);
  }

  join(carrier: MemoryCarrier): void {
    this.carriers.set(carrier.id, carrier);
  }

  leave(carrier: MemoryCarrier): void {
    this.carriers.delete(carrier.id);
  }

  find(id: string): MemoryCarrier | undefined {
    return this.carriers.get(id);
  }

  all(): MemoryCarrier[] {
    return [...this.carriers.values()];
  }

  /** Does something after all that was sent before. */
  later(work: () => void): Promise<unknown> {
    this.queue = this.queue.then(work);
    return this.queue;
  }
}

export class MemoryCarrier implements Carrier {
  readonly maxBytes = 64 * 1024 * 1024;
  readonly maxBytesName = 'its own limit';
  private events: CarrierEvents | undefined;
  /** neither sends nor hears, like a process that stands still or is cut off */
  mute = false;
  private isLosing = false;
  private stalled: (() => void)[] | undefined;

  constructor(
    readonly id: string,
    private readonly carriers: MemoryCarriers,
  ) {}

  async open(events: CarrierEvents, question: Uint8Array): Promise<boolean> {
    this.events = events;
    const others = this.carriers.all();
    this.carriers.join(this);
    for (const { id } of others) this.send(id, question);
    await this.flush();
    return others.length > 0;
  }

  announce(bytes: Uint8Array): void {
    if (this.mute) return;
    void this.carriers.later(() => {
      for (const carrier of this.carriers.all()) carrier.deliver((events) => events.received(bytes));
    });
  }

  send(to: string, bytes: Uint8Array, _key?: string, tag?: string): void {
    if (this.mute) return;
    void this.carriers.later(() => {
      const carrier = this.carriers.find(to);
      if (carrier === undefined && tag !== undefined) this.events?.unreached(tag);
      carrier?.deliver((events) => events.received(bytes));
    });
  }

  deliver(message: (events: CarrierEvents) => void): void {
    const { events } = this;
    if (this.mute || this.isLosing || events === undefined) return;
    if (this.stalled === undefined) message(events);
    else this.stalled.push(() => message(events));
  }

  /** What comes is not read, as by a process that is busy. @returns to be called when it reads again */
  stall(): () => void {
    const stalled: (() => void)[] = [];
    this.stalled = stalled;
    return () => {
      this.stalled = undefined;
      for (const message of stalled) message();
    };
  }

  /** What comes gets lost, and no connection breaks. @returns to be called when it comes again */
  lose(): () => void {
    this.isLosing = true;
    return () => (this.isLosing = false);
  }

  async flush(): Promise<void> {
    await this.carriers.later(() => undefined);
  }

  health(): { readonly state: 'up' } {
    return { state: 'up' };
  }

  async close(): Promise<void> {
    await this.flush();
    this.carriers.leave(this);
  }
}
