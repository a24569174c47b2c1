import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePortRange } from '@berth/testing';
import { gatewayPorts, startAgent, startGateway } from '../lib/berth.js';
import { median, MiB, short } from '../lib/numbers.js';
import { judgeIsThere, startJudge } from '../lib/policy.js';
import { writeSettings } from '../lib/settings.js';
import { RssWatch } from '../lib/proc-stats.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import { arrivesIntact, type Direction, move, startBulkOrigin } from './bulk-run.js';

const DIRECTIONS: readonly Direction[] = ['down', 'up'];
const KINDS = ['none', 'judged'] as const;
type Kind = (typeof KINDS)[number];

interface Pass {
  readonly kind: Kind;
  readonly direction: Direction;
  readonly megabytesPerSecond: number;
  /** how much its gateway has grown up to now */
  readonly growthMiB: number;
}

/** A gateway and an agent for one kind alone: what one kind leaves behind is not the other's. */
interface Side {
  readonly port: number;
  /** its gateway's memory, since it is ready */
  readonly watch: RssWatch;
}

async function startSide(context: Context, kind: Kind, judge: string, target: number): Promise<Side> {
  const { processes } = context;
  const cwd = join(context.directory, kind);
  await mkdir(cwd);
  const policies = kind === 'none' ? {} : { '*': { inspect: { agents: ['judge'] } } };
  await writeSettings(cwd, { policyAgents: { judge: { address: judge } }, policies });
  const ports = await gatewayPorts();
  const gateway = await startGateway(processes, cwd, ports);
  const { port } = await startAgent(processes, { cwd, httpPort: ports.http, dial: ports.grpc, target });
  await judgeIsThere(gateway, ports.http, 'judge');
  return { port, watch: new RssWatch(gateway.pid) };
}

async function run(context: Context): Promise<Result> {
  const { processes, quick, progress } = context;
  const bytes = quick ? 64 * MiB : 1024 * MiB;
  const rounds = quick ? 1 : 3;
  const size = quick ? '64 MiB' : '1 GiB';
  const { start } = await freePortRange(1);
  const judge = `127.0.0.1:${start}`;
  await startJudge(processes, judge, 'bodies');
  const origin = await startBulkOrigin(processes);
  const sides = {
    none: await startSide(context, 'none', judge, origin),
    judged: await startSide(context, 'judged', judge, origin),
  };

  const passes: Pass[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const kind of KINDS) {
      const { port, watch } = sides[kind];
      for (const direction of DIRECTIONS) {
        const megabytesPerSecond = await move(processes, direction, port, bytes);
        const growthMiB = watch.growthBytes / MiB;
        passes.push({ kind, direction, megabytesPerSecond, growthMiB });
        const what = `${size} ${direction}, ${kind}: ${short(megabytesPerSecond)} MB/s`;
        progress(`round ${round}/${rounds}, ${what}, the gateway ${short(growthMiB)} MiB larger`);
      }
    }
  }
  const growth = { none: sides.none.watch.stop() / MiB, judged: sides.judged.watch.stop() / MiB };
  const speed = (kind: Kind, direction: Direction): number =>
    median(passes.filter((p) => p.kind === kind && p.direction === direction).map((p) => p.megabytesPerSecond));
  const figures: Figure[] = [];
  for (const direction of DIRECTIONS) {
    progress(`checksum of ${size} ${direction}`);
    const intact = await arrivesIntact(processes, direction, sides.judged.port, bytes);
    figures.push(
      {
        name: `${size} ${direction}, judged chunk by chunk over gRPC`,
        value: speed('judged', direction),
        unit: 'MB/s',
      },
      { name: `${size} ${direction}, without`, value: speed('none', direction), unit: 'MB/s' },
      {
        name: `${size} ${direction}, judged: arrives intact (1 = yes)`,
        value: Number(intact),
        unit: '',
        goal: { atLeast: 1 },
      },
    );
  }
  figures.push(
    { name: `${size} bodies, judged: growth of the gateway`, value: growth.judged, unit: 'MiB', goal: { atMost: 64 } },
    { name: `${size} bodies, without: growth of the gateway`, value: growth.none, unit: 'MiB' },
  );
  return { figures, raw: { bytes, passes } };
}

export const policyBodies: Scenario = {
  name: 'policy-bodies',
  about: '1 GiB down and up past a policy agent that sees every chunk: throughput, memory, checksum',
  limitMs: 10 * 60_000,
  run,
};
