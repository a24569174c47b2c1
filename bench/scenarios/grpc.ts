import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBerth } from '../lib/berth.js';
import { checkCall, startGrpcService, startTwoGrpcHops } from '../lib/grpc-service.js';
import { h2load, type H2loadResult } from '../lib/h2load.js';
import { median, short } from '../lib/numbers.js';
import { profileBothEnds } from '../lib/profile.js';
import { cpuMicros, family } from '../lib/proc-stats.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import { table } from '../lib/table.js';

const LOADS = [
  { inFlight: 1, connections: 1, streams: 1 },
  { inFlight: 32, connections: 4, streams: 8 },
  { inFlight: 128, connections: 4, streams: 32 },
];
const NAMES = ['direct', 'nginx2', 'berth'] as const;
const MEASURES = ['callsPerSecond', 'p50Micros', 'p99Micros', 'cpuMicrosPerCall'] as const;

type PathName = (typeof NAMES)[number];
type Measure = (typeof MEASURES)[number];

/** One way to the service, and the processes between the client and it. */
interface Path {
  readonly name: PathName;
  readonly port: number;
  readonly pids: readonly number[];
}

interface Point extends H2loadResult {
  readonly path: PathName;
  readonly inFlight: number;
  readonly round: number;
  readonly cpuMicrosPerCall: number;
}

async function run(context: Context): Promise<Result> {
  const { processes, directory, quick, progress } = context;
  const [rounds, seconds] = quick ? [1, 1] : [5, 3];
  const service = await startGrpcService(processes, directory);
  const hops = await startTwoGrpcHops(processes, directory, service.port);
  // JSON is YAML.
  writeFileSync(join(directory, 'application.yaml'), JSON.stringify({ ingress: { http2: { clear: true } } }));
  const berth = await startBerth(processes, directory, service.port, [], 'h2c');
  const paths: Path[] = [
    { name: 'direct', port: service.port, pids: [] },
    { name: 'nginx2', port: hops[0].port, pids: hops.flatMap((hop) => family(hop.process.pid)) },
    { name: 'berth', port: berth.port, pids: [berth.gateway.pid, berth.agent.pid] },
  ];

  for (const { port } of paths) await checkCall(port);
  progress('a call of grpc-js was answered on each path; warming up');
  const warmUp = { connections: 4, streams: 8, seconds: quick ? 2 : 5 };
  for (const { port } of paths) await h2load(processes, directory, port, warmUp);

  const points: Point[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const { inFlight, ...load } of LOADS) {
      // One after the other within a round: what else the machine does then meets all of them.
      for (const path of paths) {
        const before = cpu(path);
        const result = await h2load(processes, directory, path.port, { ...load, seconds });
        const cpuMicrosPerCall = (cpu(path) - before) / result.calls;
        points.push({ ...result, path: path.name, inFlight, round, cpuMicrosPerCall });
        progress(`round ${round}/${rounds}, ${inFlight} in flight, ${path.name}: ${short(result.callsPerSecond)}/s`);
      }
    }
  }
  await berth.agent.stop();
  await berth.gateway.stop();

  console.log(`\n${overview(points)}\n`);
  const profiles = context.profile ? await profile(context, service.port) : undefined;
  return { figures: figures(points), raw: { rounds, seconds, loads: LOADS, points, ...(profiles && { profiles }) } };
}

const cpu = (path: Path): number => path.pids.reduce((sum, pid) => sum + cpuMicros(pid), 0);

async function profile(context: Context, service: number): Promise<object> {
  const { processes, directory, quick } = context;
  const load = async (port: number): Promise<unknown> =>
    await h2load(processes, directory, port, { connections: 4, streams: 8, seconds: quick ? 2 : 10 });
  return await profileBothEnds(context, 'unary gRPC at 32 in flight', service, load, load, 'h2c');
}

function values(points: readonly Point[], path: PathName, inFlight: number, measure: Measure): number[] {
  return points.filter((point) => point.path === path && point.inFlight === inFlight).map((point) => point[measure]);
}

function overview(points: readonly Point[]): string {
  const rows = LOADS.flatMap(({ inFlight }) =>
    NAMES.map((path) => [
      `${inFlight} in flight, ${path}`,
      ...MEASURES.map((measure) => short(median(values(points, path, inFlight, measure)))),
    ]),
  );
  return table(['unary gRPC', 'calls/s', 'p50 µs', 'p99 µs', 'CPU µs/call'], rows);
}

function figures(points: readonly Point[]): Figure[] {
  const ratios = LOADS.flatMap(({ inFlight }): Figure[] => {
    const figure = (what: string, measure: Measure): Figure => {
      const nginx2 = values(points, 'nginx2', inFlight, measure);
      const rounds = values(points, 'berth', inFlight, measure).map((value, round) => value / (nginx2[round] ?? NaN));
      return { name: `unary gRPC, ${inFlight} in flight: ${what}`, value: median(rounds), unit: '× nginx2' };
    };
    return [
      figure('calls/s', 'callsPerSecond'),
      figure('p50', 'p50Micros'),
      figure('p99', 'p99Micros'),
      figure('CPU of both ends', 'cpuMicrosPerCall'),
    ];
  });
  const failures = points.reduce((sum, point) => sum + point.failures, 0);
  return [...ratios, { name: 'unary gRPC: failed calls', value: failures, unit: '', goal: { atMost: 0 } }];
}

export const grpc: Scenario = {
  name: 'grpc',
  about: 'unary gRPC calls at 1, 32 and 128 in flight, beside two nginx hops with grpc_pass',
  limitMs: 6 * 60_000,
  run,
};
