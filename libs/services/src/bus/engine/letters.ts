import type { DeadLetter } from '../invocation-bus.js';
import type { Intake } from '../memory/intake.js';
import type { Carrier } from './carrier.js';
import { encode, type Head } from './message.js';

interface Question {
  readonly members: Set<string>;
  readonly letters: DeadLetter[];
  removed: boolean;
  readonly done: () => void;
}

/** Longest wait for the dead letters of a member, ms. */
const WAIT_MS = 2_000;

/** Dead letters are with the processes in which calls have ended: all of them are asked. */
export class Letters {
  private readonly questions = new Map<number, Question>();
  private numbers = 0;

  constructor(
    private readonly carrier: Carrier,
    private readonly intake: Intake,
    private readonly others: ReadonlyMap<string, unknown>,
  ) {}

  async list(service: string, partition: number, limit: number): Promise<DeadLetter[]> {
    const own = this.intake.find(service, partition)?.deadLetters.list(limit) ?? [];
    const most = Number.isFinite(limit) ? limit : undefined;
    const { letters } = await this.ask([...this.others.keys()], ['dl', service, partition, most]);
    const all = [...own.map((letter) => ({ ...letter, id: `${letter.id}@${this.carrier.id}` })), ...letters];
    return all.sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at))).slice(0, limit);
  }

  async remove(service: string, partition: number, id: string): Promise<boolean> {
    const [own = '', at = ''] = id.split('@');
    if (at === this.carrier.id) return this.removeOwn(service, partition, own);
    if (!this.others.has(at)) return false;
    return (await this.ask([at], ['dr', service, partition, own])).removed;
  }

  private removeOwn(service: string, partition: number, id: string): boolean {
    return this.intake.find(service, partition)?.deadLetters.remove(id) ?? false;
  }

  private async ask(members: readonly string[], [kind, ...rest]: Head): Promise<Question> {
    this.numbers += 1;
    const number = this.numbers;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const done = (): void => resolve(undefined);
    const question: Question = { members: new Set(members), letters: [], removed: false, done };
    if (members.length === 0) return question;
    this.questions.set(number, question);
    for (const member of members) this.carrier.send(member, encode([kind, this.carrier.id, number, ...rest]));
    const timer = setTimeout(done, WAIT_MS).unref();
    await promise;
    clearTimeout(timer);
    this.questions.delete(number);
    return question;
  }

  /** Another process asks for ours, each of which is a message, and then the end. */
  asked([kind, from, number, service, partition, what]: Head): void {
    if (typeof from !== 'string' || typeof service !== 'string' || typeof partition !== 'number') return;
    let removed = false;
    if (kind === 'dr') removed = this.removeOwn(service, partition, String(what));
    else
      for (const letter of this.intake.find(service, partition)?.deadLetters.list(Number(what ?? Infinity)) ?? []) {
        const { payload, ...invocation } = letter.invocation;
        const head = { ...letter, id: `${letter.id}@${this.carrier.id}`, invocation };
        this.carrier.send(from, encode(['da', number, head], payload));
      }
    this.carrier.send(from, encode(['de', number, this.carrier.id, removed]));
  }

  /** A letter, or the end of them. */
  answered([kind, number, what, removed]: Head, payload: Uint8Array = new Uint8Array(0)): void {
    const question = this.questions.get(number as number);
    if (question === undefined) return;
    if (kind === 'da') {
      const letter = what as DeadLetter;
      question.letters.push({ ...letter, invocation: { ...letter.invocation, payload } });
      return;
    }
    question.removed ||= removed === true;
    this.gone(what as string);
  }

  /** Nothing more comes from it. */
  gone(member: string): void {
    for (const { members, done } of this.questions.values()) if (members.delete(member) && members.size === 0) done();
  }

  close(): void {
    for (const { done } of this.questions.values()) done();
  }
}
