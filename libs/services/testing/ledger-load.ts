import type { InvocationBus } from '../src/bus/invocation-bus.js';
import { client, type ServiceClient } from '../src/client/client.js';
import { ServicesError } from '../src/errors.js';
import { Ledger } from './ledger-agent.js';

const PAUSE_MS = 10;
let numbers = 0;

/** Calls a {@link Ledger} without pause, and keeps account of what it was told. */
export class LedgerLoad {
  /** effects on each object: at least those that were answered, at most those and what is unknown */
  readonly answered = new Map<string, number>();
  readonly unknown = new Map<string, number>();
  readonly codes = new Map<string, number>();
  /** results of `add`, of which no two of one object may be the same */
  readonly results = new Map<string, number[]>();
  private readonly ledger: ServiceClient<Ledger>;
  private going = true;
  private readonly ended: Promise<unknown>;

  constructor(
    bus: InvocationBus,
    private readonly objects: readonly string[],
    lanes = 8,
  ) {
    this.ledger = client(Ledger, { bus });
    this.ended = Promise.all(Array.from({ length: lanes }, (_, lane) => this.lane(lane)));
  }

  /** Resolves when all calls have ended. */
  async stop(): Promise<void> {
    this.going = false;
    await this.ended;
  }

  /** Reads the objects, and says what does not add up. */
  async problems(begun: readonly string[]): Promise<string[]> {
    const found: string[] = [];
    for (const name of this.objects) {
      const total = await this.ledger.object(name).total();
      const [least, unknown] = [this.answered.get(name) ?? 0, this.unknown.get(name) ?? 0];
      if (total < least || total > least + unknown)
        found.push(`${name} is ${total}; ${least} answered, ${unknown} unknown`);
      const results = this.results.get(name) ?? [];
      if (new Set(results).size < results.length) found.push(`${name} had an effect twice, or lost one`);
    }
    if (new Set(begun).size < begun.length) found.push('an at-most-once method began twice');
    return found;
  }

  private async lane(lane: number): Promise<void> {
    const name = this.objects[lane % this.objects.length] as string;
    while (this.going) {
      numbers += 1;
      const number = numbers;
      const kind = number % 3;
      if (kind === 0) await this.add(name, `key-${number}`);
      else if (kind === 1) await this.once(name, () => this.ledger.object(name, { timeoutMs: 20_000 }).touch(number));
      else await this.once(undefined, () => this.ledger.with({ timeoutMs: 20_000 }).mark(number));
    }
  }

  /** With one key until it is answered: one effect, whatever happens on the way. */
  private async add(name: string, idempotencyKey: string): Promise<void> {
    for (;;) {
      try {
        const result = await this.ledger.object(name, { idempotencyKey, timeoutMs: 20_000 }).add();
        this.results.set(name, [...(this.results.get(name) ?? []), result]);
        this.count(this.answered, name);
        return;
      } catch (thrown) {
        await this.failed(thrown);
      }
    }
  }

  private async once(name: string | undefined, call: () => Promise<number>): Promise<void> {
    try {
      await call();
      if (name !== undefined) this.count(this.answered, name);
    } catch (thrown) {
      const code = await this.failed(thrown);
      const began = !['BERTH_SERVICE_NO_AGENT', 'BERTH_SERVICE_BUS_UNAVAILABLE', 'BERTH_SERVICE_BUSY'].includes(code);
      if (name !== undefined && began) this.count(this.unknown, name);
    }
  }

  private async failed(thrown: unknown): Promise<string> {
    if (!(thrown instanceof ServicesError)) throw thrown;
    this.count(this.codes, thrown.code);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    return thrown.code;
  }

  private count(counts: Map<string, number>, name: string): void {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
}
