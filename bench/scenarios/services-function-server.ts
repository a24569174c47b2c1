import { ask } from '../lib/ask.js';
import type { Load, LoadResult } from '../lib/closed-loop.js';
import { median, short } from '../lib/numbers.js';
import type { Processes, Running } from '../lib/processes.js';
import { profileHelpers } from '../lib/profile.js';
import { cpuMicros } from '../lib/proc-stats.js';
import { compiled } from '../lib/repository.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import { table } from '../lib/table.js';

const IN_FLIGHT = [1, 32, 128];
const PATHS = ['bare', 'berth'] as const;
type PathName = (typeof PATHS)[number];

interface Path {
  readonly name: PathName;
  readonly server: Running;
  readonly port: number;
}

interface Point extends LoadResult {
  readonly path: PathName;
  readonly inFlight: number;
  readonly round: number;
  readonly cpuMicrosPerCall: number;
}

type Measure = 'callsPerSecond' | 'p50Micros' | 'p99Micros' | 'cpuMicrosPerCall';
const MEASURES: readonly Measure[] = ['callsPerSecond', 'p50Micros', 'p99Micros', 'cpuMicrosPerCall'];

const PROGRAMS: Readonly<Record<PathName, string>> = {
  bare: compiled('bench/dist/programs/services-bare-server.js'),
  berth: compiled('bench/dist/programs/services-function-server.js'),
};

async function run(context: Context): Promise<Result> {
  const { processes, directory: cwd, quick, progress } = context;
  const [rounds, seconds] = quick ? [2, 1] : [7, 3];
  const client = processes.node('client', compiled('bench/dist/programs/services-grpc-client.js'), [], { cwd });
  const paths = [await start(processes, 'bare', cwd), await start(processes, 'berth', cwd)];

  progress('warming up');
  for (const inFlight of IN_FLIGHT) {
    for (const { port } of paths) await load(client, port, { inFlight, seconds: quick ? 1 : 3 });
  }

  const points: Point[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const inFlight of IN_FLIGHT) {
      // Side by side, and each of them first in every other round.
      for (const path of round % 2 === 0 ? paths : paths.toReversed()) {
        const before = cpuMicros(path.server.pid);
        const result = await load(client, path.port, { inFlight, seconds });
        const cpuMicrosPerCall = (cpuMicros(path.server.pid) - before) / result.calls;
        points.push({ ...result, path: path.name, inFlight, round, cpuMicrosPerCall });
        const speed = `${short(result.callsPerSecond)}/s, ${short(cpuMicrosPerCall)} µs of CPU each`;
        progress(`round ${round}/${rounds}, ${inFlight} in flight, ${path.name}: ${speed}`);
      }
    }
  }
  for (const { server } of paths) await server.stop();

  console.log(`\n${overview(points)}\n`);
  const profiles = context.profile ? await profile(context, client) : undefined;
  return { figures: figures(points), raw: { rounds, seconds, points, ...(profiles && { profiles }) } };
}

async function start(processes: Processes, name: PathName, cwd: string, flags: readonly string[] = []): Promise<Path> {
  const server = processes.start(`${name} server`, process.execPath, [...flags, PROGRAMS[name]], { cwd });
  return { name, server, port: Number(await server.says(/port (\d+)\n/)) };
}

async function load(client: Running, port: number, { inFlight, seconds }: Load): Promise<LoadResult> {
  return await ask(client, { port, inFlight, seconds }, seconds * 1000 + 15_000);
}

/** Both, so that one can tell what is grpc-js's own. */
async function profile(context: Context, client: Running): Promise<object> {
  const { processes, directory, quick } = context;
  const seconds = quick ? 2 : 8;
  const result: Record<string, object> = {};
  for (const name of PATHS) {
    let port = 0;
    const startOne = async (flags: readonly string[]): Promise<Record<string, Running>> => {
      const path = await start(processes, name, directory, flags);
      port = path.port;
      await load(client, port, { inFlight: 32, seconds: 2 });
      return { [name]: path.server };
    };
    const loadOne = async (): Promise<LoadResult> => await load(client, port, { inFlight: 32, seconds });
    Object.assign(result, await profileHelpers(context, 'empty InvokeFn at 32 in flight', startOne, loadOne));
  }
  return result;
}

function values(points: readonly Point[], path: PathName, inFlight: number, measure: Measure): number[] {
  return points.filter((point) => point.path === path && point.inFlight === inFlight).map((point) => point[measure]);
}

/** Of each round, because what else the machine does meets both of a round. */
function ratio(points: readonly Point[], inFlight: number, measure: Measure): number {
  const bare = values(points, 'bare', inFlight, measure);
  return median(values(points, 'berth', inFlight, measure).map((value, round) => value / (bare[round] ?? NaN)));
}

function overview(points: readonly Point[]): string {
  const rows = IN_FLIGHT.flatMap((inFlight) =>
    PATHS.map((path) => [
      `${inFlight} in flight, ${path}`,
      ...MEASURES.map((measure) => short(median(values(points, path, inFlight, measure)))),
    ]),
  );
  return table(['empty InvokeFn', 'calls/s', 'p50 µs', 'p99 µs', 'CPU µs/call'], rows);
}

function figures(points: readonly Point[]): Figure[] {
  const ratios = IN_FLIGHT.flatMap((inFlight): Figure[] => {
    const name = (what: string): string => `empty InvokeFn, ${inFlight} in flight: ${what}`;
    const relative = (what: string, measure: Measure, goal?: Figure['goal']): Figure => ({
      ...{ name: name(what), value: ratio(points, inFlight, measure), unit: '× bare' },
      ...(goal && { goal }),
    });
    const speed = median(values(points, 'berth', inFlight, 'callsPerSecond'));
    const cpu = median(values(points, 'berth', inFlight, 'cpuMicrosPerCall'));
    return [
      { name: name('calls/s'), value: speed, unit: '/s' },
      relative('calls/s', 'callsPerSecond'),
      { name: name('CPU of the server'), value: cpu, unit: 'µs' },
      relative('CPU of the server', 'cpuMicrosPerCall', { atMost: 1.25 }),
    ];
  });
  const failures = points.reduce((sum, point) => sum + point.failures, 0);
  return [...ratios, { name: 'empty InvokeFn: failed calls', value: failures, unit: '', goal: { atMost: 0 } }];
}

export const functionServer: Scenario = {
  name: 'function-server',
  about: 'an empty InvokeFn at 1, 32 and 128 in flight, beside a bare handler of grpc-js',
  limitMs: 8 * 60_000,
  run,
};
