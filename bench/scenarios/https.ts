import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatewayPorts, startAgent, startGateway } from '../lib/berth.js';
import { newCertificate } from '../lib/certificate.js';
import { startOrigin, startTwoHops } from '../lib/nginx.js';
import { median, short } from '../lib/numbers.js';
import { cpuMicros, family } from '../lib/proc-stats.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import { table } from '../lib/table.js';
import { wrk, type WrkResult } from '../lib/wrk.js';

const CONNECTIONS = [1, 32];
const NAMES = ['nginx2', 'berth'] as const;

interface Path {
  readonly name: (typeof NAMES)[number];
  readonly port: number;
  readonly pids: () => number[];
}

interface Point extends WrkResult {
  readonly path: Path['name'];
  readonly connections: number;
  readonly round: number;
  readonly cpuMicrosPerRequest: number;
}

type Key = 'requestsPerSecond' | 'p50Micros' | 'p99Micros' | 'cpuMicrosPerRequest';

async function run({ processes, directory, quick, progress }: Context): Promise<Result> {
  const [rounds, seconds] = quick ? [1, 2] : [3, 3];
  const certificate = newCertificate(directory);
  const origin = await startOrigin(processes, directory);
  const [outer, inner] = await startTwoHops(processes, directory, origin.port, certificate);
  const ports = await gatewayPorts();
  const settings = { ingress: { tls: { enabled: true, ...certificate } } };
  // JSON is YAML.
  writeFileSync(join(directory, 'application.yaml'), JSON.stringify(settings));
  const gateway = await startGateway(processes, directory, ports);
  const options = { cwd: directory, httpPort: ports.http, dial: ports.grpc, target: origin.port };
  const { agent, port } = await startAgent(processes, options);
  const paths: Path[] = [
    { name: 'nginx2', port: outer.port, pids: () => [outer, inner].flatMap((hop) => family(hop.process.pid)) },
    { name: 'berth', port, pids: () => [gateway.pid, agent.pid] },
  ];
  progress('warming up');
  for (const path of paths) await wrk(processes, path.port, 32, quick ? 2 : 4, 'https');
  const points: Point[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const connections of CONNECTIONS) {
      for (const path of paths) {
        const before = cpu(path);
        const result = await wrk(processes, path.port, connections, seconds, 'https');
        const cpuMicrosPerRequest = (cpu(path) - before) / result.requests;
        points.push({ ...result, path: path.name, connections, round, cpuMicrosPerRequest });
        progress(`round ${round}/${rounds}, ${connections} connections, ${path.name}`);
      }
    }
  }
  await agent.stop();
  await gateway.stop();
  console.log(`\n${overview(points)}\n`);
  return { figures: figures(points), raw: { rounds, seconds, points } };
}

const cpu = (path: Path): number => path.pids().reduce((sum, pid) => sum + cpuMicros(pid), 0);

function middle(points: readonly Point[], path: Path['name'], connections: number, key: Key): number {
  return median(
    points.filter((point) => point.path === path && point.connections === connections).map((point) => point[key]),
  );
}

function overview(points: readonly Point[]): string {
  const keys: Key[] = ['requestsPerSecond', 'p50Micros', 'p99Micros', 'cpuMicrosPerRequest'];
  const rows = CONNECTIONS.flatMap((connections) =>
    NAMES.map((path) => [
      `${connections} connections, ${path}`,
      ...keys.map((key) => short(middle(points, path, connections, key))),
    ]),
  );
  return table(['small GET over HTTPS', 'requests/s', 'p50 µs', 'p99 µs', 'CPU µs/request'], rows);
}

function figures(points: readonly Point[]): Figure[] {
  const ratios = CONNECTIONS.flatMap((connections): Figure[] => {
    const figure = (what: string, key: Key): Figure => ({
      name: `small GET over HTTPS, ${connections} connections: ${what}`,
      value: middle(points, 'berth', connections, key) / middle(points, 'nginx2', connections, key),
      unit: '× nginx2',
    });
    return [
      figure('requests/s', 'requestsPerSecond'),
      figure('p50', 'p50Micros'),
      figure('CPU of both ends', 'cpuMicrosPerRequest'),
    ];
  });
  const failures = points.reduce((sum, point) => sum + point.failures, 0);
  return [...ratios, { name: 'small GET over HTTPS: failed requests', value: failures, unit: '', goal: { atMost: 0 } }];
}

export const https: Scenario = {
  name: 'https',
  about: 'small GET over HTTPS on kept connections, beside two nginx hops with TLS at the first',
  limitMs: 5 * 60_000,
  run,
};
