import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../lib/ask.js';
import { balance, type Balance, type CallerAccount } from '../lib/ledger.js';
import type { Running } from '../lib/processes.js';
import { NatsBroker } from '../lib/nats.js';
import { compiled } from '../lib/repository.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';

const CALLERS = 2;
const WORKERS = 2;
/** Of each caller. Several lanes, of both callers, share an object. */
const LOAD = { statelessLanes: 8, objectLanes: 16, objects: 8 };
/** Calls wait 30 s at most; and keys that have no answer are sent for 40 s more. */
const AFTER_MS = 80_000;

interface Helper {
  readonly process: Running;
  readonly file: string;
}

async function run({ processes, directory: cwd, quick, progress }: Context): Promise<Result> {
  const [seconds, downMs] = quick ? [10, 500] : [60, 2000];
  const broker = await NatsBroker.start(processes, cwd);
  const start = async (program: string, count: number): Promise<Helper[]> =>
    await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const file = join(cwd, `${program}-${i + 1}.json`);
        const args = program === 'ledger-caller' ? [broker.url, String(i + 1), file] : [broker.url, file];
        const process = processes.node(
          `${program} ${i + 1}`,
          compiled(`bench/dist/programs/services-${program}.js`),
          args,
        );
        await process.says(/ready (now)\n/);
        return { process, file };
      }),
    );
  const workers = await start('bus-worker', WORKERS);
  const callers = await start('ledger-caller', CALLERS);

  progress(`load for ${seconds} s`);
  const loads = callers.map(({ process }) => ask(process, { ...LOAD, seconds }, seconds * 1000 + AFTER_MS));
  const restarts = restartTwice(broker, seconds, downMs, progress);
  await Promise.all([restarts, ...loads]);

  progress('comparing what was answered with what was done');
  const [first] = callers;
  if (first === undefined) throw new Error('no caller');
  const totals = await ask<Record<string, number>>(first.process, { ...LOAD, seconds: 0 }, 60_000);
  await Promise.all(workers.map(async ({ process }) => await ask(process, {}, 30_000)));
  const read = ({ file }: Helper): unknown => JSON.parse(readFileSync(file, 'utf8'));
  const accounts = callers.map((caller) => read(caller) as CallerAccount);
  const marked = workers.flatMap((worker) => read(worker) as number[]);
  const result = balance(accounts, marked, totals);
  const errors = sumOf(accounts.map((account) => account.errors));
  for (const [code, count] of Object.entries(errors)) progress(`${code}: ${count}`);
  const longest = (of: 'longestPauseMs' | 'longestCallMs'): number => Math.max(...accounts.map((one) => one[of]));
  const times = { longestPauseMs: longest('longestPauseMs'), longestCallMs: longest('longestCallMs') };
  return { figures: figures(result, errors, times), raw: { seconds, downMs, ...LOAD, ...result, errors, ...times } };
}

/** Once as it is told to end, once as it crashes; what it has acknowledged is on its disk. */
async function restartTwice(
  broker: NatsBroker,
  seconds: number,
  downMs: number,
  progress: (text: string) => void,
): Promise<void> {
  const third = (seconds * 1000 - 2 * downMs) / 3;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await sleep(third);
    progress(`${signal} to the broker, back after ${downMs / 1000} s`);
    await broker.stop(signal);
    await sleep(downMs);
    await broker.start();
  }
}

function sumOf(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, count] of counts.flatMap((one) => Object.entries(one))) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

function figures(
  { accepted, answered, lost, stateless, objects }: Balance,
  errors: Readonly<Record<string, number>>,
  { longestPauseMs, longestCallMs }: { longestPauseMs: number; longestCallMs: number },
): Figure[] {
  const figure = (what: string, value: number, unit = ''): Figure => ({
    name: `broker restarts: ${what}`,
    value,
    unit,
  });
  const none = (what: string, value: number): Figure => ({ ...figure(what, value), goal: { atMost: 0 } });
  return [
    figure('invocations accepted', accepted),
    figure('invocations answered', answered),
    none('accepted and never answered', lost),
    none('answered and not done', stateless.answeredAndNotDone + objects.effectsMissing),
    none('at most once, done twice', stateless.doneTwice),
    none('refused, and done all the same', stateless.refusedAndDone),
    none('with a key, done twice', objects.doneTwice),
    figure('keys', objects.keys),
    figure('keys sent twice at once', objects.repeated),
    figure('effects of them', objects.effects),
    figure('refused while the broker was away', stateless.refused + objects.refusedSendings),
    figure(
      'calls that ended with an error',
      Object.values(errors).reduce((sum, count) => sum + count, 0),
    ),
    figure('longest time without an answer', longestPauseMs / 1000, 's'),
    figure('longest call', longestCallMs / 1000, 's'),
  ];
}

export const brokerRestarts: Scenario = {
  name: 'broker-restarts',
  about: '60 s of calls over NATS, stopped once and killed once: what is lost, and what is done twice',
  limitMs: 5 * 60_000,
  run,
};
