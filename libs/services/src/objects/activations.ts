import { LinkedList } from '../runtime/linked-list.js';
import type { ServedService } from '../runtime/service-registry.js';
import { Activation } from './activation.js';
import { nameOf, type ObjectKey } from './object-store.js';

/** The objects in memory. Of those that nobody calls the longest unused ones go when there are too many. */
export class Activations {
  readonly #all = new Map<string, Activation>();
  /** Not a Map's order: where many have left its beginning, each search for the first one passes over all of them. */
  readonly #idle = new LinkedList<Activation>();

  /** @param most in memory; more only while they are all in use */
  constructor(private readonly most: number) {}

  get size(): number {
    return this.#all.size;
  }

  /** The object, in use until {@link release} finds its turnstile idle. */
  use(service: ServedService, key: ObjectKey): Activation {
    const name = nameOf(key);
    let activation = this.#all.get(name);
    if (activation === undefined) {
      activation = new Activation(service, key);
      this.#all.set(name, activation);
      this.#evict();
    } else this.#idle.remove(activation);
    return activation;
  }

  release(activation: Activation): void {
    if (!activation.turn.idle) return;
    this.#idle.push(activation);
    this.#evict();
  }

  #evict(): void {
    for (let { first } = this.#idle; first !== undefined && this.size > this.most; { first } = this.#idle) {
      this.#idle.remove(first);
      this.#all.delete(nameOf(first.identity));
    }
  }
}
