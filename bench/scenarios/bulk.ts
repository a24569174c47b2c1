import { startBerth } from '../lib/berth.js';
import { startTwoHops } from '../lib/nginx.js';
import { median, MiB, short } from '../lib/numbers.js';
import { profileBothEnds } from '../lib/profile.js';
import { RssWatch } from '../lib/proc-stats.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import { arrivesIntact, move, startBulkOrigin, type Direction } from './bulk-run.js';

const DIRECTIONS: readonly Direction[] = ['down', 'up'];
/** In a row, for the spread between them. */
const SPREAD_DOWNLOADS = 8;
const NAMES = { down: 'download', up: 'upload' } as const;

interface Pass {
  readonly direction: Direction;
  readonly path: string;
  readonly round: number;
  readonly megabytesPerSecond: number;
}

async function run(context: Context): Promise<Result> {
  const { processes, directory, quick, progress } = context;
  const bytes = quick ? 128 * MiB : 1024 * MiB;
  const rounds = quick ? 1 : 3;
  const size = quick ? '128 MiB' : '1 GiB';
  const origin = await startBulkOrigin(processes);
  const [outer] = await startTwoHops(processes, directory, origin);
  const berth = await startBerth(processes, directory, origin);
  const paths = { direct: origin, nginx2: outer.port, berth: berth.port };

  const passes: Pass[] = [];
  // From before the first byte: what the first body makes the ends keep counts as well.
  const watches = { gateway: new RssWatch(berth.gateway.pid), agent: new RssWatch(berth.agent.pid) };
  for (let round = 1; round <= rounds; round += 1) {
    for (const direction of DIRECTIONS) {
      for (const [path, port] of Object.entries(paths)) {
        const speed = await move(processes, direction, port, bytes);
        passes.push({ direction, path, round, megabytesPerSecond: speed });
        progress(`round ${round}/${rounds}, ${size} ${direction}, ${path}: ${short(speed)} MB/s`);
      }
    }
  }
  // One body may be fast and the next one slow, which a median does not show.
  const downloads: number[] = [];
  for (let i = 1; i <= (quick ? 2 : SPREAD_DOWNLOADS); i += 1) {
    downloads.push(await move(processes, 'down', berth.port, bytes));
    progress(`download ${i}/${SPREAD_DOWNLOADS}, berth: ${short(downloads.at(-1) ?? 0)} MB/s`);
  }
  const growth = { gateway: watches.gateway.stop() / MiB, agent: watches.agent.stop() / MiB };
  const intact = { down: false, up: false };
  for (const direction of DIRECTIONS) {
    progress(`checksum of ${size} ${direction}`);
    intact[direction] = await arrivesIntact(processes, direction, berth.port, bytes);
  }

  const profiles: Record<string, unknown> = {};
  for (const direction of context.profile ? DIRECTIONS : []) {
    const load = async (port: number): Promise<unknown> => await move(processes, direction, port, bytes);
    const title = `${size} ${direction}`;
    profiles[direction] = await profileBothEnds(context, title, origin, load, load);
  }

  const speed = (direction: Direction, path: string): number =>
    median(
      passes
        .filter((pass) => pass.direction === direction && pass.path === path)
        .map((pass) => pass.megabytesPerSecond),
    );
  const figures = DIRECTIONS.flatMap((direction): Figure[] => {
    const name = `${size} ${NAMES[direction]}`;
    return [
      { name: `${name}: direct`, value: speed(direction, 'direct'), unit: 'MB/s' },
      { name: `${name}: nginx2`, value: speed(direction, 'nginx2'), unit: 'MB/s' },
      { name: `${name}: berth`, value: speed(direction, 'berth'), unit: 'MB/s' },
      {
        name: `${name}: berth`,
        value: speed(direction, 'berth') / speed(direction, 'nginx2'),
        unit: '× nginx2',
        ...(direction === 'down' && { goal: { atLeast: 0.75 } }),
      },
      { name: `${name}: arrives intact (1 = yes)`, value: Number(intact[direction]), unit: '', goal: { atLeast: 1 } },
    ];
  });
  const spread = { slowest: Math.min(...downloads), median: median(downloads), fastest: Math.max(...downloads) };
  for (const [which, value] of Object.entries(spread)) {
    figures.push({ name: `${downloads.length} downloads of ${size}: ${which}`, value, unit: 'MB/s' });
  }
  for (const [end, value] of Object.entries(growth)) {
    figures.push({ name: `${size} bodies: growth of the ${end}`, value, unit: 'MiB', goal: { atMost: 64 } });
  }
  return { figures, raw: { bytes, passes, downloads, growthMiB: growth, intact, profiles } };
}

export const bulk: Scenario = {
  name: 'bulk',
  about: '1 GiB down and up: throughput, memory, checksum',
  limitMs: 15 * 60_000,
  run,
};
