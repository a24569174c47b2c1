import type { CallLimits } from '../invocation/call-limits.js';
import type { Linked, LinkedList } from '../runtime/linked-list.js';
import type { ServedService } from '../runtime/service-registry.js';
import { setIdentity } from './object-identity.js';
import type { ObjectKey, StoredObject } from './object-store.js';
import { Turnstile } from './turnstile.js';

/** An object in memory: its instance, the version it was made from, and the turn of its calls. */
export class Activation implements Linked<Activation> {
  prev: Activation | undefined = undefined;
  next: Activation | undefined = undefined;
  list: LinkedList<Activation> | undefined = undefined;
  readonly turn = new Turnstile();
  #instance: object | undefined;
  /** the state that the store holds, as JSON */
  #saved: string | undefined;
  /** `undefined`: not read yet */
  version: number | undefined;
  /** the term of this process in which that was the newest version, see {@link CallLimits.term} */
  term: number | undefined;

  constructor(
    readonly service: ServedService,
    readonly identity: ObjectKey,
  ) {}

  /** Takes over what the store knows; an instance of another version goes, or of one that is only called the same. @param term in which it was asked */
  refresh({ version, state }: StoredObject, term: number | undefined): void {
    const isKnown = version === this.version && state === undefined;
    if (!isKnown || term !== undefined) this.term = term;
    if (isKnown) return;
    this.version = version;
    this.#saved = state;
    this.#instance = undefined;
  }

  /** Drops the instance: nobody knows what a method left in it. The next call gets one made from the saved state. */
  drop(): void {
    this.#instance = undefined;
  }

  /** Forgets what was read, too: the store has to be asked for everything. */
  forget(): void {
    this.#instance = undefined;
    this.#saved = undefined;
    this.version = undefined;
    this.term = undefined;
  }

  /** The instance with the saved state in it. @throws ServicesError `BERTH_SERVICE_TIMEOUT`, `BERTH_SERVICE_INVALID` */
  async instance(limits: CallLimits): Promise<object> {
    if (this.#instance !== undefined) return this.#instance;
    const made = this.service.create();
    const instance = made instanceof Promise ? await limits.within(made, 'the object was still being made') : made;
    setIdentity(instance, this.identity);
    if (this.#saved === undefined) this.service.checkState(instance);
    else Object.assign(instance, this.#read(this.#saved));
    // As this class writes it: it may have gained fields, or lost some, since the state was saved.
    this.#saved = this.#write(instance);
    this.#instance = instance;
    return instance;
  }

  /** The state as JSON if it is not the saved one. @throws TypeError what JSON has no words for */
  changed(): string | undefined {
    if (this.#instance === undefined) return undefined;
    const state = this.#write(this.#instance);
    return state === this.#saved ? undefined : state;
  }

  /** Whether nobody else can have saved it since, as far as this process knows. */
  isNewestIn(term: number | undefined): boolean {
    return term !== undefined && term === this.term && this.version !== undefined;
  }

  saved(version: number, state: string | undefined): void {
    this.version = version;
    if (state !== undefined) this.#saved = state;
  }

  #write(instance: object): string {
    const state: Record<string, unknown> = {};
    for (const field of this.service.definition.stateFields)
      state[field] = (instance as Record<string, unknown>)[field];
    return JSON.stringify(state);
  }

  #read(state: string): object {
    const known = new Set(this.service.definition.stateFields);
    return Object.fromEntries(
      Object.entries(JSON.parse(state) as Record<string, unknown>).filter(([field]) => known.has(field)),
    );
  }
}
