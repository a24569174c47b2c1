import { startBerth } from '../lib/berth.js';
import { startOrigin, startTwoHops } from '../lib/nginx.js';
import { median, short } from '../lib/numbers.js';
import { profileBothEnds } from '../lib/profile.js';
import { cpuMicros, family } from '../lib/proc-stats.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import { table } from '../lib/table.js';
import { wrk, type WrkResult } from '../lib/wrk.js';

const CONNECTIONS = [1, 32, 128];

type PathName = 'direct' | 'nginx2' | 'berth';

/** One way to the origin, and the processes between the client and it. */
interface Path {
  readonly name: PathName;
  readonly port: number;
  readonly pids: () => number[];
}

interface Point extends WrkResult {
  readonly path: PathName;
  readonly connections: number;
  readonly round: number;
  readonly cpuMicrosPerRequest: number;
}

type Medians = Pick<Point, 'requestsPerSecond' | 'p50Micros' | 'p99Micros' | 'cpuMicrosPerRequest'>;

async function run(context: Context): Promise<Result> {
  const { processes, directory, quick, progress } = context;
  const [rounds, seconds] = quick ? [1, 2] : [5, 5];
  const origin = await startOrigin(processes, directory);
  const [outer, inner] = await startTwoHops(processes, directory, origin.port);
  const berth = await startBerth(processes, directory, origin.port);
  const paths: Path[] = [
    { name: 'direct', port: origin.port, pids: () => [] },
    { name: 'nginx2', port: outer.port, pids: () => [outer, inner].flatMap((hop) => family(hop.process.pid)) },
    { name: 'berth', port: berth.port, pids: () => [berth.gateway.pid, berth.agent.pid] },
  ];

  progress('warming up');
  for (const { port } of paths) await wrk(processes, port, 32, quick ? 2 : 5);

  const points: Point[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const connections of CONNECTIONS) {
      // One after the other within a round: what else the machine does then meets all of them.
      for (const path of paths) {
        const before = cpu(path);
        const result = await wrk(processes, path.port, connections, seconds);
        const cpuMicrosPerRequest = (cpu(path) - before) / result.requests;
        points.push({ ...result, path: path.name, connections, round, cpuMicrosPerRequest });
        progress(
          `round ${round}/${rounds}, ${connections} connections, ${path.name}: ${short(result.requestsPerSecond)}/s`,
        );
      }
    }
  }
  await berth.agent.stop();
  await berth.gateway.stop();

  console.log(`\n${overview(points)}\n`);
  const load = async (port: number): Promise<unknown> => await wrk(processes, port, 32, quick ? 2 : 10);
  const profiles = context.profile
    ? await profileBothEnds(context, 'small GET at 32 connections', origin.port, load, load)
    : undefined;
  return { figures: figures(points), raw: { rounds, seconds, points, ...(profiles && { profiles }) } };
}

const cpu = (path: Path): number => path.pids().reduce((sum, pid) => sum + cpuMicros(pid), 0);

function medians(points: readonly Point[], path: PathName, connections: number): Medians {
  const chosen = points.filter((point) => point.path === path && point.connections === connections);
  const of = (key: keyof Medians): number => median(chosen.map((point) => point[key]));
  return {
    requestsPerSecond: of('requestsPerSecond'),
    p50Micros: of('p50Micros'),
    p99Micros: of('p99Micros'),
    cpuMicrosPerRequest: of('cpuMicrosPerRequest'),
  };
}

function overview(points: readonly Point[]): string {
  const rows = CONNECTIONS.flatMap((connections) =>
    (['direct', 'nginx2', 'berth'] as const).map((path) => {
      const { requestsPerSecond, p50Micros, p99Micros, cpuMicrosPerRequest } = medians(points, path, connections);
      const numbers = [requestsPerSecond, p50Micros, p99Micros, cpuMicrosPerRequest].map(short);
      return [`${connections} connections, ${path}`, ...numbers];
    }),
  );
  return table(['small GET', 'requests/s', 'p50 µs', 'p99 µs', 'CPU µs/request'], rows);
}

function figures(points: readonly Point[]): Figure[] {
  const ratios = CONNECTIONS.flatMap((connections): Figure[] => {
    const berth = medians(points, 'berth', connections);
    const nginx2 = medians(points, 'nginx2', connections);
    const figure = (what: string, key: keyof Medians, goal?: Figure['goal']): Figure => ({
      name: `small GET, ${connections} connections: ${what}`,
      value: berth[key] / nginx2[key],
      unit: '× nginx2',
      ...(goal && { goal }),
    });
    return [
      figure('requests/s', 'requestsPerSecond', connections === 32 ? { atLeast: 0.6 } : undefined),
      figure('p50', 'p50Micros', connections === 1 ? { atMost: 1.4 } : undefined),
      figure('p99', 'p99Micros'),
      figure('CPU of both ends', 'cpuMicrosPerRequest', connections === 32 ? { atMost: 1.6 } : undefined),
    ];
  });
  const failures = points.reduce((sum, point) => sum + point.failures, 0);
  return [...ratios, { name: 'small GET: failed requests', value: failures, unit: '', goal: { atMost: 0 } }];
}

export const smallRequests: Scenario = {
  name: 'small-requests',
  about: 'small GET at 1, 32 and 128 connections, beside two nginx hops',
  limitMs: 10 * 60_000,
  run,
};
