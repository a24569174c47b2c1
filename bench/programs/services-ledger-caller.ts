/**
 * Calls `Ledger` through a broker that comes and goes, and keeps account of what
 * it is told: `services-ledger-caller.js <url> <caller's number> <file>`. Asked
 * for a load it writes its account to the file; asked for totals it reads them.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { client, InvocationError, ServicesError } from 'berth-services';
import type { CallerAccount } from '../lib/ledger.js';
import { openBus } from './brokers.js';
import { endWithParent, numberArgument, textArgument } from './lifeline.js';
import { answerQuestions } from './questions.js';
import { Ledger } from './services-classes.js';

interface Question {
  /** 0: only the totals */
  readonly seconds: number;
  readonly statelessLanes: number;
  readonly objectLanes: number;
  readonly objects: number;
}

/** Codes that say that the bus has not taken the call. */
const REFUSED: readonly string[] = [
  'BERTH_SERVICE_BUS_UNAVAILABLE',
  'BERTH_SERVICE_NO_AGENT',
  'BERTH_SERVICE_BUSY',
  'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
];
/** Numbers of different callers do not meet below it. */
const NUMBERS = 1_000_000_000;
const PAUSE_MS = 20;
/** Every so many keys one is sent twice at once, as by a caller that lost patience. */
const REPEAT_EACH = 20;
/** How long a key is sent again after the load has ended. */
const GRACE_MS = 40_000;

const number = numberArgument(1);
const file = textArgument(2);
const bus = await openBus(textArgument(0));
const ledger = client(Ledger, { bus });

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Outcome = 'answered' | 'refused' | 'unanswered' | 'failed';

class Account implements Mutable<CallerAccount> {
  readonly answered: number[] = [];
  readonly refused: number[] = [];
  readonly unanswered: number[] = [];
  readonly effects: Record<string, number[]> = {};
  readonly open: Record<string, number> = {};
  readonly errors: Record<string, number> = {};
  repeated = 0;
  unansweredSendings = 0;
  refusedSendings = 0;
  longestPauseMs = 0;
  longestCallMs = 0;
  private lastAnswer = performance.now();

  /** One sending, with what came of it. */
  async send<T>(call: () => Promise<T>): Promise<[Outcome, T | undefined]> {
    const start = performance.now();
    try {
      const result = await call();
      this.took(start);
      return ['answered', result];
    } catch (error) {
      if (!(error instanceof ServicesError)) throw error;
      const { code } = error;
      const answered = error instanceof InvocationError;
      const name = answered ? `${code} (reply)` : code;
      this.errors[name] = (this.errors[name] ?? 0) + 1;
      if (answered) {
        this.took(start);
        return ['failed', undefined];
      }
      return [REFUSED.includes(code) ? 'refused' : 'unanswered', undefined];
    }
  }

  private took(start: number): void {
    const now = performance.now();
    this.longestCallMs = Math.max(this.longestCallMs, now - start);
    this.longestPauseMs = Math.max(this.longestPauseMs, now - this.lastAnswer);
    this.lastAnswer = now;
  }
}

let last = 0;

async function stateless(account: Account, end: number): Promise<void> {
  while (performance.now() < end) {
    last += 1;
    const mine = number * NUMBERS + last;
    const [outcome] = await account.send(() => ledger.mark(mine));
    // A reply is an answer, whatever it says; `mark` itself does not fail.
    account[outcome === 'failed' ? 'answered' : outcome].push(mine);
    if (outcome !== 'answered') await sleep(PAUSE_MS);
  }
}

async function ofObject(account: Account, end: number, name: string): Promise<void> {
  while (performance.now() < end) {
    last += 1;
    const object = ledger.object(name, { idempotencyKey: `${number}-${last}` });
    const send = (): Promise<number | undefined> => sendUntilAnswered(account, () => object.add(), end + GRACE_MS);
    const twice = last % REPEAT_EACH === 0;
    const [first, second] = await Promise.all([send(), ...(twice ? [send()] : [])]);
    if (first !== undefined && second !== undefined) account.repeated += 1;
    // Should the two differ, nobody is told of one of the effects, and it counts as one too many.
    const effect = first ?? second;
    if (effect === undefined) account.open[name] = (account.open[name] ?? 0) + 1;
    else (account.effects[name] ??= []).push(effect);
  }
}

/** The same key until it is answered with what was done, as its caller would. */
async function sendUntilAnswered(
  account: Account,
  call: () => Promise<number>,
  latest: number,
): Promise<number | undefined> {
  while (performance.now() < latest) {
    const [outcome, effect] = await account.send(call);
    if (outcome === 'answered') return effect;
    if (outcome === 'refused') account.refusedSendings += 1;
    if (outcome === 'unanswered') account.unansweredSendings += 1;
    await sleep(PAUSE_MS);
  }
  return undefined;
}

async function totals(objects: number): Promise<Record<string, number>> {
  const names = Array.from({ length: objects }, (_, i) => `ledger-${i}`);
  const found = names.map(async (name) => [name, await ledger.object(name).total()] as const);
  return Object.fromEntries(await Promise.all(found));
}

endWithParent();
answerQuestions(async ({ seconds, statelessLanes, objectLanes, objects }: Question) => {
  if (seconds === 0) return await totals(objects);
  const account = new Account();
  const end = performance.now() + seconds * 1000;
  await Promise.all([
    ...Array.from({ length: statelessLanes }, () => stateless(account, end)),
    ...Array.from({ length: objectLanes }, (_, lane) => ofObject(account, end, `ledger-${lane % objects}`)),
  ]);
  writeFileSync(file, JSON.stringify(account));
  return {};
});
console.log('ready now');
