import { type Linked, LinkedList } from './linked-list.js';

class Aging<K, V> implements Linked<Aging<K, V>> {
  prev: Aging<K, V> | undefined = undefined;
  next: Aging<K, V> | undefined = undefined;
  list: LinkedList<Aging<K, V>> | undefined = undefined;

  constructor(
    readonly key: K,
    readonly value: V,
  ) {}
}

/**
 * A Map that finds its oldest entry at once. In a plain one each search for the first passes over the places of all that
 * have left its beginning; and an iterator that waits there keeps every table that the Map has outgrown, with what was
 * in it.
 */
export class AgingMap<K, V> {
  readonly #all = new Map<K, Aging<K, V>>();
  #order = new LinkedList<Aging<K, V>>();

  get size(): number {
    return this.#all.size;
  }

  /** The key that was set longest ago. */
  get oldest(): K | undefined {
    return this.#order.first?.key;
  }

  get(key: K): V | undefined {
    return this.#all.get(key)?.value;
  }

  has(key: K): boolean {
    return this.#all.has(key);
  }

  /** It is the newest then. */
  set(key: K, value: V): void {
    const before = this.#all.get(key);
    if (before !== undefined) this.#order.remove(before);
    const entry = new Aging(key, value);
    this.#all.set(key, entry);
    this.#order.push(entry);
  }

  delete(key: K): void {
    const entry = this.#all.get(key);
    if (entry === undefined) return;
    this.#order.remove(entry);
    this.#all.delete(key);
  }

  clear(): void {
    this.#all.clear();
    this.#order = new LinkedList();
  }
}
