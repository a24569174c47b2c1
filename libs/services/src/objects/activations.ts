import type { ServedService } from '../runtime/service-registry.js';
import { Activation } from './activation.js';
import { nameOf, type ObjectKey } from './object-store.js';

/**
 * The objects in memory. Those that nobody calls are kept in the order of their
 * last use, and the longest unused ones go when there are too many.
 */
export class Activations {
  readonly #busy = new Map<string, Activation>();
  /** a Map keeps its entries in order */
  readonly #idle = new Map<string, Activation>();

  /** @param most in memory; more only while they are all in use */
  constructor(private readonly most: number) {}

  get size(): number {
    return this.#busy.size + this.#idle.size;
  }

  /** The object, in use until {@link release} finds its turnstile idle. */
  use(service: ServedService, key: ObjectKey): Activation {
    const name = nameOf(key);
    let activation = this.#busy.get(name);
    if (activation !== undefined) return activation;
    activation = this.#idle.get(name) ?? new Activation(service, key);
    this.#idle.delete(name);
    this.#busy.set(name, activation);
    this.#evict();
    return activation;
  }

  release(activation: Activation): void {
    if (!activation.turn.idle) return;
    const name = nameOf(activation.identity);
    this.#busy.delete(name);
    this.#idle.set(name, activation);
    this.#evict();
  }

  #evict(): void {
    for (const name of this.#idle.keys()) {
      if (this.size <= this.most) return;
      this.#idle.delete(name);
    }
  }
}
