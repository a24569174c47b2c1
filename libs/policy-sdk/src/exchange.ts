import type { AgentAnswer, AskedEvent, TooLarge } from '@berth/policy-agents';
import type { PolicyRequest } from './views.js';

/** One request with its response, as handlers see it. */
export interface PolicyExchange<State> {
  /** names it in all that is said of it at one connection */
  readonly id: string;
  /** its head; undefined where the agent has not been shown it */
  readonly request: PolicyRequest | undefined;
  /** yours, from the first handler to the last */
  readonly state: State;
  /** aborted when the exchange was cut off, or its connection to the gateway is lost */
  readonly signal: AbortSignal;
}

/** A question, and where its answer goes. */
export interface Asked {
  readonly event: AskedEvent;
  readonly reply: (answer: AgentAnswer, tooLarge?: TooLarge) => void;
  /** it is a call, which stays open until it is answered, whoever waits for it */
  readonly isCall?: boolean | undefined;
}

/** An exchange with what the agent has to know of it. */
export class ExchangeRecord<State> implements PolicyExchange<State> {
  request: PolicyRequest | undefined;
  /** a handler is at work on it */
  busy = false;
  /** asked while it was busy */
  readonly queue: Asked[] = [];
  /** nothing more is said about it */
  over = false;
  #abort: AbortController | undefined;

  constructor(
    readonly id: string,
    readonly state: State,
    public touchedAt: number,
  ) {}

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.over) this.#abort.abort();
    return this.#abort.signal;
  }

  cutOff(): void {
    this.over = true;
    this.#abort?.abort();
  }
}

/** Counts the exchanges of all connections together. */
export class ExchangeBound {
  #count = 0;
  #idle: (() => void)[] = [];

  constructor(readonly max: number) {}

  get count(): number {
    return this.#count;
  }

  take(): boolean {
    if (this.#count >= this.max) return false;
    this.#count += 1;
    return true;
  }

  leave(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const tell of idle) tell();
  }

  /** Resolves when there is no exchange. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }
}

/** The exchanges of one connection, until they are over. */
export class ExchangeTable<State> {
  readonly #records = new Map<string, ExchangeRecord<State>>();

  constructor(
    private readonly bound: ExchangeBound,
    private readonly newState: () => State,
    private readonly now: () => number,
  ) {}

  get(id: string): ExchangeRecord<State> | undefined {
    return this.#records.get(id);
  }

  /** @returns undefined: there are too many */
  begin(id: string): ExchangeRecord<State> | undefined {
    if (!this.bound.take()) return undefined;
    const record = this.single(id);
    this.#records.set(id, record);
    return record;
  }

  /** One that nothing is remembered of. */
  single(id: string): ExchangeRecord<State> {
    return new ExchangeRecord(id, this.newState(), this.now());
  }

  remove(record: ExchangeRecord<State>): void {
    if (this.#records.get(record.id) !== record) return;
    this.#records.delete(record.id);
    this.bound.leave();
  }

  /** Those of which nothing was heard since. */
  *idleSince(then: number): Generator<ExchangeRecord<State>> {
    for (const record of this.#records.values()) if (record.touchedAt < then && !record.busy) yield record;
  }

  *all(): Generator<ExchangeRecord<State>> {
    yield* this.#records.values();
  }
}
