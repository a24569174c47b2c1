import { STRATEGIES } from '@berth/agent-pool';
import { median, short } from '../lib/numbers.js';
import { compiled } from '../lib/repository.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import { table } from '../lib/table.js';

const NAMES = ['bare', ...Object.keys(STRATEGIES)];
const COUNTS = [1, 4, 64];

interface Pick {
  readonly ns: number;
  /** of heap; less than one is noise of the measuring */
  readonly bytes: number;
  /** most picks of a connection / fewest */
  readonly spread: number;
}

interface Point extends Pick {
  readonly name: string;
  readonly count: number;
}

async function run({ processes, quick, progress }: Context): Promise<Result> {
  const rounds = quick ? 1 : 5;
  const picks = quick ? 300_000 : 3_000_000;
  const all: Point[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const count of COUNTS) {
      for (const name of NAMES) {
        // A process each: in one the compiler would meet all strategies at the same call.
        const one = processes.node(
          name,
          compiled('bench/dist/programs/selection.js'),
          [name, count, picks].map(String),
        );
        const said = /selection (.+)/.exec(await one.finishes(120_000))?.[1] ?? '{}';
        all.push({ name, count, ...(JSON.parse(said) as Pick) });
      }
    }
    progress(`round ${round}/${rounds}`);
  }
  const of = (name: string, count: number, key: keyof Pick): number =>
    median(all.filter((point) => point.name === name && point.count === count).map((point) => point[key]));
  const rows = NAMES.map((name) => [name, ...COUNTS.map((count) => short(of(name, count, 'ns')))]);
  progress(`ns per pick\n${table(['strategy', ...COUNTS.map((count) => `${count} connections`)], rows)}`);
  const figures = NAMES.slice(1).flatMap((name): Figure[] => [
    ...COUNTS.map((count) => ({ name: `${name}: a pick of ${count}`, value: of(name, count, 'ns'), unit: 'ns' })),
    { name: `${name}: most / fewest picks of 4`, value: of(name, 4, 'spread'), unit: '', goal: { atMost: 1.1 } },
    { name: `${name}: heap per pick of 4`, value: of(name, 4, 'bytes'), unit: 'bytes', goal: { atMost: 1 } },
  ]);
  return { figures, raw: { rounds, picks, points: all } };
}

export const selection: Scenario = {
  name: 'selection',
  about: 'what it costs the pool to pick a connection, and how evenly it picks',
  limitMs: 10 * 60_000,
  run,
};
