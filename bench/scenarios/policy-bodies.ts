import { freePortRange } from '@berth/testing';
import { gatewayPorts, startAgent, startGateway } from '../lib/berth.js';
import { median, MiB, short } from '../lib/numbers.js';
import { judgeIsThere, startJudge } from '../lib/policy.js';
import { reload, writeSettings } from '../lib/settings.js';
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
  /** the gateway's resident memory at its greatest, above what it was before the first pass */
  readonly peakMiB: number;
}

async function run(context: Context): Promise<Result> {
  const { processes, directory, quick, progress } = context;
  const bytes = quick ? 64 * MiB : 1024 * MiB;
  const rounds = quick ? 1 : 3;
  const size = quick ? '64 MiB' : '1 GiB';
  const { start } = await freePortRange(1);
  const settings = { policyAgents: { judge: { address: `127.0.0.1:${start}` } } };
  await writeSettings(directory, settings);
  await startJudge(processes, `127.0.0.1:${start}`, 'bodies');
  const origin = await startBulkOrigin(processes);
  const ports = await gatewayPorts();
  const gateway = await startGateway(processes, directory, ports);
  const { port } = await startAgent(processes, {
    cwd: directory,
    httpPort: ports.http,
    dial: ports.grpc,
    target: origin,
  });
  await judgeIsThere(gateway, ports.http, 'judge');
  const set = async (kind: Kind): Promise<void> => {
    const policies = kind === 'none' ? {} : { '*': { inspect: { agents: ['judge'] } } };
    await writeSettings(directory, { ...settings, policies });
    await reload(ports.http);
  };

  const passes: Pass[] = [];
  const whole = new RssWatch(gateway.pid);
  for (let round = 1; round <= rounds; round += 1) {
    for (const kind of KINDS) {
      await set(kind);
      for (const direction of DIRECTIONS) {
        const watch = new RssWatch(gateway.pid);
        const megabytesPerSecond = await move(processes, direction, port, bytes);
        watch.stop();
        const peakMiB = (watch.peakBytes - whole.startBytes) / MiB;
        passes.push({ kind, direction, megabytesPerSecond, peakMiB });
        progress(
          `round ${round}/${rounds}, ${size} ${direction}, ${kind}: ${short(megabytesPerSecond)} MB/s, ${short(peakMiB)} MiB more`,
        );
      }
    }
  }
  const growthMiB = whole.stop() / MiB;
  const speed = (kind: Kind, direction: Direction): number =>
    median(passes.filter((p) => p.kind === kind && p.direction === direction).map((p) => p.megabytesPerSecond));
  const figures: Figure[] = [];
  for (const direction of DIRECTIONS) {
    progress(`checksum of ${size} ${direction}`);
    const intact = await arrivesIntact(processes, direction, port, bytes);
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
    {
      name: `${size} bodies, judged: growth of the gateway`,
      value: growthMiB,
      unit: 'MiB',
      goal: { atMost: 64 },
    },
    {
      name: 'of it before the first judged body',
      value: Math.max(...passes.slice(0, DIRECTIONS.length).map(({ peakMiB }) => peakMiB)),
      unit: 'MiB',
    },
  );
  return { figures, raw: { bytes, passes, growthMiB } };
}

export const policyBodies: Scenario = {
  name: 'policy-bodies',
  about: '1 GiB down and up past a policy agent that sees every chunk: throughput, memory, checksum',
  limitMs: 10 * 60_000,
  run,
};
