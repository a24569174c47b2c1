import type { TunnelExchange } from './exchange.js';

/** Slots to begin with; a power of two. */
const INITIAL_SLOTS = 64;

/**
 * The live exchanges of a session, by number.
 *
 * Not a Map: a Map that is added to and deleted from rehashes all the time, and
 * each table it leaves behind points to the next one. Once one of them is old,
 * the young collector takes the whole chain, with every exchange that was live
 * at a rehash, for alive: half of all garbage survived, and collections took
 * 30 ms. Slots of an array leave nothing behind.
 */
export class ExchangeTable {
  private slots: (TunnelExchange | undefined)[] = new Array<TunnelExchange | undefined>(INITIAL_SLOTS).fill(undefined);
  /** exchanges whose slot another one has; rare, since numbers rise */
  private readonly crowded = new Map<number, TunnelExchange>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(id: number): TunnelExchange | undefined {
    const exchange = this.slots[id & (this.slots.length - 1)];
    if (exchange !== undefined && exchange.id === id) return exchange;
    return this.crowded.size === 0 ? undefined : this.crowded.get(id);
  }

  /** Adds an exchange whose number is not in the table. */
  add(exchange: TunnelExchange): void {
    this.count += 1;
    if (this.count > this.slots.length / 2) this.grow();
    this.place(exchange);
  }

  delete(id: number): void {
    const index = id & (this.slots.length - 1);
    if (this.slots[index]?.id === id) this.slots[index] = undefined;
    else if (!this.crowded.delete(id)) return;
    this.count -= 1;
  }

  /** A snapshot, in no order. */
  list(): TunnelExchange[] {
    return [...this.slots.filter((exchange) => exchange !== undefined), ...this.crowded.values()];
  }

  private place(exchange: TunnelExchange): void {
    const index = exchange.id & (this.slots.length - 1);
    if (this.slots[index] === undefined) this.slots[index] = exchange;
    else this.crowded.set(exchange.id, exchange);
  }

  private grow(): void {
    const all = this.list();
    this.slots = new Array<TunnelExchange | undefined>(this.slots.length * 2).fill(undefined);
    this.crowded.clear();
    for (const exchange of all) this.place(exchange);
  }
}
