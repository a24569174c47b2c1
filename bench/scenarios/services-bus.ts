import { join } from 'node:path';
import { ask } from '../lib/ask.js';
import type { LoadResult } from '../lib/closed-loop.js';
import { median, short } from '../lib/numbers.js';
import type { Running } from '../lib/processes.js';
import { profileHelpers } from '../lib/profile.js';
import { cpuMicros } from '../lib/proc-stats.js';
import { NatsBroker } from '../lib/nats.js';
import { compiled } from '../lib/repository.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import { table } from '../lib/table.js';

const IN_FLIGHT = [1, 32, 128];
const PATHS = ['memory', 'request', 'bus', 'object', 'publish', 'object, kept'] as const;
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
  const broker = await NatsBroker.start(processes, directory);
  const paths = [await startMemory(context), ...(await startPaths(context, broker))];

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
  const profiles = context.profile ? await profile(context, broker) : undefined;
  return { figures: figures(points), raw: { rounds, seconds, points, ...(profiles && { profiles }) } };
}

async function startMemory({ processes, directory: cwd }: Context): Promise<Path> {
  const caller = await ready(
    processes.node('memory', compiled('bench/dist/programs/services-bus-memory.js'), [], { cwd }),
  );
  return { name: 'memory', caller, what: '', pids: { caller: caller.pid } };
}

/** Plain requests and the bus beside each other, on one broker. */
async function startPaths(context: Context, broker: NatsBroker): Promise<Path[]> {
  const [worker, caller] = await startBus(context, broker, 'memory');
  const [keeper, keepersCaller] = await startBus(context, broker, broker.url);
  const [bareWorker, bareCaller] = await startBare(context, broker);
  const nats = broker.pid;
  const bus = { caller: caller.pid, nats, worker: worker.pid };
  return [
    {
      ...{ name: 'request', caller: bareCaller, what: 'request' },
      pids: { caller: bareCaller.pid, nats, worker: bareWorker.pid },
    },
    { name: 'bus', caller, what: 'carried', pids: bus },
    { name: 'object', caller, what: 'object', pids: bus },
    { name: 'publish', caller: bareCaller, what: 'publish', pids: { caller: bareCaller.pid, nats } },
    {
      ...{ name: 'object, kept', caller: keepersCaller, what: 'object' },
      pids: { caller: keepersCaller.pid, nats, worker: keeper.pid },
    },
  ];
}

/** @param store where the worker keeps its objects: `memory`, or a url */
async function startBus(
  { processes, directory: cwd }: Context,
  { url }: NatsBroker,
  store: string,
  flags: readonly string[] = [],
): Promise<[worker: Running, caller: Running]> {
  // Workers with another store are on a bus of their own.
  const prefix = store === 'memory' ? 'memory' : 'kept';
  const start = async (program: string, ...args: string[]): Promise<Running> => {
    const script = compiled(`bench/dist/programs/services-bus-${program}.js`);
    const env = { BENCH_BUS_PREFIX: prefix };
    return await ready(
      processes.start(`bus ${program}`, process.execPath, [...flags, script, url, ...args], { cwd, env }),
    );
  };
  return [await start('worker', join(cwd, `marked-${prefix}.json`), store), await start('caller')];
}

async function startBare(
  { processes, directory: cwd }: Context,
  { url }: NatsBroker,
): Promise<[worker: Running, caller: Running]> {
  const script = compiled('bench/dist/programs/services-nats-bare.js');
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

async function profile(context: Context, broker: NatsBroker): Promise<object> {
  const { quick } = context;
  const profileOne = async (title: string, what: string, store: string): Promise<object> => {
    let caller: Running | undefined;
    const start = async (flags: readonly string[]): Promise<Record<string, Running>> => {
      const [worker, started] = await startBus(context, broker, store, flags);
      caller = started;
      await load({ caller: started, what }, 32, 2);
      return { 'bus caller': started, 'bus worker': worker };
    };
    const run = async (): Promise<void> => {
      if (caller !== undefined) await load({ caller, what }, 32, quick ? 2 : 8);
    };
    return await profileHelpers(context, title, start, run);
  };
  return {
    carried: await profileOne('calls over NATS at 32 in flight', 'carried', 'memory'),
    kept: await profileOne('calls of objects kept by NATS at 32 in flight', 'object', broker.url),
  };
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
      return [`${inFlight} in flight, ${path}`, ...numbers, ...['caller', 'nats', 'worker'].map(cpu)];
    }),
  );
  return table(['call', 'calls/s', 'p50 µs', 'p99 µs', 'CPU µs: caller', 'nats', 'worker'], rows);
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
      speedFigure('over NATS', 'bus'),
      { name: name('over NATS'), value: ratio('bus', 'request'), unit: '× plain request', goal: { atLeast: 0.6 } },
      speedFigure('objects', 'object'),
      { name: name('objects'), value: ratio('object', 'request'), unit: '× plain request', goal: { atLeast: 0.5 } },
      speedFigure('writes of a stream, plain', 'publish'),
      { name: name('writes of a stream, plain'), value: ratio('publish', 'request'), unit: '× plain request' },
      speedFigure('objects kept by NATS', 'object, kept'),
      {
        ...{ name: name('objects kept by NATS'), value: ratio('object, kept', 'request') },
        ...{ unit: '× plain request', goal: { atLeast: 0.5 } },
      },
      { name: name('objects kept by NATS'), value: ratio('object, kept', 'publish'), unit: '× plain write' },
    ];
  });
  const failures = points.reduce((sum, point) => sum + point.failures, 0);
  return [...perPoint, { name: 'bus: failed calls', value: failures, unit: '', goal: { atMost: 0 } }];
}

export const bus: Scenario = {
  name: 'bus',
  about: 'calls over the bus at 1, 32 and 128 in flight: in memory, and over NATS beside plain requests',
  limitMs: 8 * 60_000,
  run,
};
