import { join } from 'node:path';
import { ask } from '../lib/ask.js';
import type { LoadResult } from '../lib/closed-loop.js';
import { median, short } from '../lib/numbers.js';
import type { Running } from '../lib/processes.js';
import { profileHelpers } from '../lib/profile.js';
import { cpuMicros } from '../lib/proc-stats.js';
import { type Persistence, RedisBroker } from '../lib/redis.js';
import { compiled } from '../lib/repository.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import { table } from '../lib/table.js';

const IN_FLIGHT = [1, 32, 128];
const PATHS = ['memory', 'ping', 'single', 'trip', 'bus', 'object', 'trip, on disk', 'bus, on disk'] as const;
type PathName = (typeof PATHS)[number];

/** Who is asked for what, and whose CPU it costs. */
interface Path {
  readonly name: PathName;
  readonly caller: Running;
  readonly what: string;
  readonly pids: Readonly<Record<string, number>>;
}

interface Point extends LoadResult {
  readonly path: PathName;
  readonly inFlight: number;
  readonly round: number;
  /** of each process on the way */
  readonly cpuMicrosPerCall: Readonly<Record<string, number>>;
}

type Measure = 'callsPerSecond' | 'p50Micros' | 'p99Micros';

async function run(context: Context): Promise<Result> {
  const { processes, directory, quick, progress } = context;
  const [rounds, seconds] = quick ? [1, 1] : [3, 2];
  const off = await RedisBroker.start(processes, directory, 'off');
  const onDisk = await RedisBroker.start(processes, directory, 'everysec');
  const paths = [
    await startMemory(context),
    ...(await startPaths(context, off)),
    ...(await startOnDisk(context, onDisk)),
  ];

  progress('warming up');
  for (const path of paths) await load(path, 32, 1);

  const points: Point[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const inFlight of IN_FLIGHT) {
      for (const path of paths) {
        const point = await measure(path, inFlight, seconds, round);
        points.push(point);
        progress(`round ${round}/${rounds}, ${inFlight} in flight, ${path.name}: ${short(point.callsPerSecond)}/s`);
      }
    }
  }

  console.log(`\n${overview(points)}\n`);
  const profiles = context.profile ? await profile(context, off) : undefined;
  return { figures: figures(points), raw: { rounds, seconds, points, ...(profiles && { profiles }) } };
}

async function startMemory({ processes, directory: cwd }: Context): Promise<Path> {
  const caller = await ready(
    processes.node('memory', compiled('bench/dist/programs/services-bus-memory.js'), [], { cwd }),
  );
  return { name: 'memory', caller, what: '', pids: { caller: caller.pid } };
}

/** The plain round trip and the bus beside each other, on one broker. */
async function startPaths(context: Context, broker: RedisBroker): Promise<Path[]> {
  const [worker, caller] = await startBus(context, broker, 'off');
  const [bareWorker, bareCaller] = await startBare(context, broker);
  const redis = broker.pid;
  const bare = { caller: bareCaller.pid, redis, worker: bareWorker.pid };
  const bus = { caller: caller.pid, redis, worker: worker.pid };
  return [
    { name: 'ping', caller: bareCaller, what: 'ping', pids: { caller: bareCaller.pid, redis } },
    { name: 'single', caller: bareCaller, what: 'single', pids: bare },
    { name: 'trip', caller: bareCaller, what: 'trip', pids: bare },
    { name: 'bus', caller, what: 'carried', pids: bus },
    { name: 'object', caller, what: 'object', pids: bus },
  ];
}

async function startOnDisk(context: Context, broker: RedisBroker): Promise<Path[]> {
  const paths = await startPaths(context, broker);
  return paths
    .filter(({ name }) => name === 'trip' || name === 'bus')
    .map((path) => ({ ...path, name: path.name === 'trip' ? 'trip, on disk' : 'bus, on disk' }));
}

async function startBus(
  { processes, directory: cwd }: Context,
  { url }: RedisBroker,
  name: Persistence | 'profiled',
  flags: readonly string[] = [],
): Promise<[worker: Running, caller: Running]> {
  const start = async (program: string, ...args: string[]): Promise<Running> => {
    const script = compiled(`bench/dist/programs/services-bus-${program}.js`);
    return await ready(processes.start(`bus ${program}`, process.execPath, [...flags, script, ...args], { cwd }));
  };
  return [await start('worker', url, join(cwd, `marked-${name}.json`)), await start('caller', url)];
}

async function startBare(
  { processes, directory: cwd }: Context,
  { url }: RedisBroker,
): Promise<[worker: Running, caller: Running]> {
  const script = compiled('bench/dist/programs/services-redis-bare.js');
  const start = async (role: string): Promise<Running> =>
    await ready(processes.node(`bare ${role}`, script, [role, url], { cwd }));
  return [await start('worker'), await start('caller')];
}

async function ready(helper: Running): Promise<Running> {
  await helper.says(/ready (now)\n/);
  return helper;
}

async function load(
  { caller, what }: Pick<Path, 'caller' | 'what'>,
  inFlight: number,
  seconds: number,
): Promise<LoadResult> {
  return await ask<LoadResult>(caller, { what, inFlight, seconds }, seconds * 1000 + 45_000);
}

async function measure(path: Path, inFlight: number, seconds: number, round: number): Promise<Point> {
  const cpu = (): [string, number][] => Object.entries(path.pids).map(([name, pid]) => [name, cpuMicros(pid)]);
  const before = Object.fromEntries(cpu());
  const result = await load(path, inFlight, seconds);
  const spent = cpu().map(([name, micros]) => [name, (micros - (before[name] ?? NaN)) / result.calls] as const);
  return { ...result, path: path.name, inFlight, round, cpuMicrosPerCall: Object.fromEntries(spent) };
}

async function profile(context: Context, broker: RedisBroker): Promise<object> {
  const { quick } = context;
  let caller: Running | undefined;
  const start = async (flags: readonly string[]): Promise<Record<string, Running>> => {
    const [worker, started] = await startBus(context, broker, 'profiled', flags);
    caller = started;
    await load({ caller: started, what: 'carried' }, 32, 2);
    return { 'bus caller': started, 'bus worker': worker };
  };
  const run = async (): Promise<void> => {
    if (caller !== undefined) await load({ caller, what: 'carried' }, 32, quick ? 2 : 8);
  };
  return await profileHelpers(context, 'calls over Redis at 32 in flight', start, run);
}

function values(points: readonly Point[], path: PathName, inFlight: number, measure: Measure): number[] {
  return points.filter((point) => point.path === path && point.inFlight === inFlight).map((point) => point[measure]);
}

function overview(points: readonly Point[]): string {
  const rows = IN_FLIGHT.flatMap((inFlight) =>
    PATHS.map((path) => {
      const of = (measure: Measure): string => short(median(values(points, path, inFlight, measure)));
      const chosen = points.filter((point) => point.path === path && point.inFlight === inFlight);
      const cpu = (name: string): string => short(median(chosen.map((point) => point.cpuMicrosPerCall[name] ?? NaN)));
      const numbers = [of('callsPerSecond'), of('p50Micros'), of('p99Micros')];
      return [`${inFlight} in flight, ${path}`, ...numbers, ...['caller', 'redis', 'worker'].map(cpu)];
    }),
  );
  return table(['call', 'calls/s', 'p50 µs', 'p99 µs', 'CPU µs: caller', 'redis', 'worker'], rows);
}

function figures(points: readonly Point[]): Figure[] {
  const perPoint = IN_FLIGHT.flatMap((inFlight): Figure[] => {
    const name = (what: string): string => `bus, ${inFlight} in flight: ${what}`;
    const speed = (path: PathName): number => median(values(points, path, inFlight, 'callsPerSecond'));
    const speedFigure = (what: string, path: PathName): Figure => ({
      name: name(what),
      value: speed(path),
      unit: '/s',
    });
    // Of each round, because what else the machine does meets both of a round.
    const ratio = (path: PathName, to: PathName): number => {
      const unit = values(points, to, inFlight, 'callsPerSecond');
      return median(values(points, path, inFlight, 'callsPerSecond').map((value, i) => value / (unit[i] ?? NaN)));
    };
    return [
      speedFigure('in memory', 'memory'),
      speedFigure('over Redis', 'bus'),
      { name: name('over Redis'), value: ratio('bus', 'trip'), unit: '× round trip', goal: { atLeast: 0.5 } },
      { name: name('over Redis'), value: ratio('bus', 'single'), unit: '× round trip, each by itself' },
      { name: name('over Redis'), value: ratio('bus', 'ping'), unit: '× PING' },
      speedFigure('over Redis, on disk within 1 s', 'bus, on disk'),
      {
        ...{ name: name('over Redis, on disk within 1 s'), value: ratio('bus, on disk', 'trip, on disk') },
        ...{ unit: '× round trip', goal: { atLeast: 0.5 } },
      },
      speedFigure('objects with state in Redis', 'object'),
    ];
  });
  const failures = points.reduce((sum, point) => sum + point.failures, 0);
  return [...perPoint, { name: 'bus: failed calls', value: failures, unit: '', goal: { atMost: 0 } }];
}

export const bus: Scenario = {
  name: 'bus',
  about: 'calls over the bus at 1, 32 and 128 in flight: in memory, and over Redis beside a plain round trip',
  limitMs: 8 * 60_000,
  run,
};
