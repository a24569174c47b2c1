import { median, MiB } from '../lib/numbers.js';
import { compiled } from '../lib/repository.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';

const OBJECTS = 10_000;

interface Measured {
  readonly before: { readonly rss: number; readonly heapUsed: number };
  readonly after: { readonly rss: number; readonly heapUsed: number };
  readonly active: number;
}

async function run({ processes, directory: cwd, quick, progress }: Context): Promise<Result> {
  const rounds = quick ? 1 : 5;
  const measure = async (kept: number): Promise<Measured> => {
    const args = ['--expose-gc', compiled('bench/dist/programs/services-objects.js'), String(OBJECTS), String(kept)];
    const said = await processes.start('objects', process.execPath, args, { cwd }).finishes(60_000);
    return JSON.parse(said) as Measured;
  };
  const active: Measured[] = [];
  const stored: Measured[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    progress(`round ${round}/${rounds}`);
    // Those that were active for the warm-up must not have to leave for them.
    active.push(await measure(2 * OBJECTS));
    stored.push(await measure(1));
  }
  return { figures: figures(active, stored), raw: { objects: OBJECTS, rounds, active, stored } };
}

function figures(active: readonly Measured[], stored: readonly Measured[]): Figure[] {
  const each = (of: readonly Measured[], what: 'rss' | 'heapUsed'): number =>
    median(of.map(({ before, after }) => (after[what] - before[what]) / OBJECTS));
  const name = (what: string): string => `${OBJECTS.toLocaleString('en-US')} objects: ${what}`;
  return [
    { name: name('heap, each'), value: each(active, 'heapUsed'), unit: 'B', goal: { atMost: 1100 } },
    { name: name('heap, the store alone, each'), value: each(stored, 'heapUsed'), unit: 'B' },
    { name: name('resident memory, each'), value: each(active, 'rss'), unit: 'B' },
    { name: name('resident memory, the store alone, each'), value: each(stored, 'rss'), unit: 'B' },
    { name: name('resident memory in all'), value: median(active.map(({ after }) => after.rss)) / MiB, unit: 'MiB' },
  ];
}

export const objects: Scenario = {
  name: 'objects',
  about: '10,000 objects with a small state: memory of each, active and only stored',
  limitMs: 4 * 60_000,
  run,
};
