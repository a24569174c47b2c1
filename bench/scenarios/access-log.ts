import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gatewayPorts, startAgent, startGateway } from '../lib/berth.js';
import { startOrigin } from '../lib/nginx.js';
import { median, short } from '../lib/numbers.js';
import { cpuMicros } from '../lib/proc-stats.js';
import type { Context, Result, Scenario } from '../lib/scenario.js';
import { table } from '../lib/table.js';
import { wrk, type WrkResult } from '../lib/wrk.js';

const CONNECTIONS = 32;

const KINDS = ['off', 'json', 'combined'] as const;
type Kind = (typeof KINDS)[number];

interface Point extends WrkResult {
  readonly kind: Kind;
  readonly round: number;
  readonly cpuMicrosPerRequest: number;
}

async function run({ processes, directory, quick, progress }: Context): Promise<Result> {
  const [rounds, seconds] = quick ? [1, 2] : [7, 5];
  const origin = await startOrigin(processes, directory);
  const ports = await gatewayPorts();
  const gateway = await startGateway(processes, directory, ports);
  const { agent, port } = await startAgent(processes, {
    cwd: directory,
    httpPort: ports.http,
    dial: ports.grpc,
    target: origin.port,
  });
  const cpu = (): number => cpuMicros(gateway.pid) + cpuMicros(agent.pid);

  progress('warming up');
  const points: Point[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    // One gateway for all: its settings are changed while it serves. The first round warms up.
    for (const kind of KINDS) {
      await setLog(directory, ports.http, kind);
      const before = cpu();
      const result = await wrk(processes, port, CONNECTIONS, seconds);
      if (round === 0) continue;
      points.push({ ...result, kind, round, cpuMicrosPerRequest: (cpu() - before) / result.requests });
      progress(`round ${round}/${rounds}, ${kind}: ${short(result.requestsPerSecond)}/s`);
    }
  }
  await agent.stop();
  await gateway.stop();

  const of = (kind: Kind, key: 'requestsPerSecond' | 'p50Micros' | 'cpuMicrosPerRequest'): number =>
    median(points.filter((point) => point.kind === kind).map((point) => point[key]));
  const rows = KINDS.map((kind) => [
    kind,
    ...[of(kind, 'requestsPerSecond'), of(kind, 'p50Micros'), of(kind, 'cpuMicrosPerRequest')].map(short),
  ]);
  console.log(`\n${table(['access log', 'requests/s', 'p50 µs', 'CPU µs/request'], rows)}\n`);
  // Round by round: what else the machine does meets both.
  const ratio = (kind: Kind): number =>
    median(
      Array.from({ length: rounds }, (_, i) => {
        const cost = (which: Kind): number =>
          points.find((point) => point.round === i + 1 && point.kind === which)?.cpuMicrosPerRequest ?? NaN;
        return cost(kind) / cost('off');
      }),
    );
  return {
    figures: [
      {
        name: 'small GET, access log of all requests as JSON in a file: CPU of both ends',
        value: ratio('json'),
        unit: '× off',
        goal: { atMost: 1.1 },
      },
      { name: 'small GET, the same as combined: CPU of both ends', value: ratio('combined'), unit: '× off' },
      {
        name: 'small GET, access log: failed requests',
        value: points.reduce((sum, point) => sum + point.failures, 0),
        unit: '',
        goal: { atMost: 0 },
      },
    ],
    raw: { rounds, seconds, connections: CONNECTIONS, points },
  };
}

async function setLog(directory: string, admin: number, kind: Kind): Promise<void> {
  const accessLog =
    kind === 'off' ? { mode: 'off' } : { mode: 'all', format: kind, file: join(directory, `${kind}.log`) };
  // JSON is YAML.
  await writeFile(join(directory, 'application.yaml'), JSON.stringify({ accessLog }));
  const response = await fetch(`http://127.0.0.1:${admin}/config/reload`, { method: 'POST' });
  if (!response.ok) throw new Error(`the settings were refused: ${await response.text()}`);
}

export const accessLog: Scenario = {
  name: 'access-log',
  about: 'small GET without an access log, and with one of all requests in a file',
  limitMs: 6 * 60_000,
  run,
};
