/** Bounds on connections: in all, and of one address. */
export interface AddressBounds {
  total: number;
  perAddress: number;
}

/** Connections by whose they are, in the order in which they came. */
export class ByAddress<T extends { readonly address: string }> {
  private readonly sets = new Map<string, Set<T>>();
  private count = 0;
  /** the first with the most; undefined: to be found again, since somebody came or went */
  private largest: ReadonlySet<T> | undefined;

  get size(): number {
    return this.count;
  }

  has(one: T): boolean {
    return this.sets.get(one.address)?.has(one) === true;
  }

  /** @returns false when it was there already */
  add(one: T): boolean {
    const own = this.sets.get(one.address) ?? new Set();
    if (own.has(one)) return false;
    this.sets.set(one.address, own.add(one));
    this.count += 1;
    this.largest = undefined;
    return true;
  }

  /** @returns false when it was not there */
  remove(one: T): boolean {
    const own = this.sets.get(one.address);
    if (own?.delete(one) !== true) return false;
    this.count -= 1;
    this.largest = undefined;
    if (own.size === 0) this.sets.delete(one.address);
    return true;
  }

  of(address: string): ReadonlySet<T> {
    return this.sets.get(address) ?? new Set();
  }

  /**
   * Where one has to go before another of `address` can come.
   *
   * @returns undefined when there is room, else those of the address, or of the one with the most
   */
  crowd(address: string, { total, perAddress }: AddressBounds): ReadonlySet<T> | undefined {
    const own = this.of(address);
    if (own.size >= perAddress) return own;
    if (this.count < total) return undefined;
    // Hundreds who wait may ask in one turn.
    this.largest ??= this.findLargest();
    return this.largest.size > own.size ? this.largest : own;
  }

  private findLargest(): ReadonlySet<T> {
    let largest: ReadonlySet<T> = new Set();
    for (const set of this.sets.values()) if (set.size > largest.size) largest = set;
    return largest;
  }

  *[Symbol.iterator](): Generator<T> {
    for (const set of this.sets.values()) yield* set;
  }
}
