import { gatewayPorts, startAgent, startGateway } from '../lib/berth.js';
import { median, MiB, short } from '../lib/numbers.js';
import { compiled } from '../lib/repository.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import { move, startBulkOrigin, type Direction } from './bulk-run.js';

const BYTES = 64 * MiB;
const ONE_WAY_MS = 50;

async function run({ processes, directory, quick, progress }: Context): Promise<Result> {
  const rounds = quick ? 1 : 3;
  const origin = await startBulkOrigin(processes);
  const ports = await gatewayPorts();
  await startGateway(processes, directory, ports);
  const relay = processes.node('relay', compiled('bench/dist/delay-relay.js'), [
    String(ports.grpc),
    String(ONE_WAY_MS),
  ]);
  const dial = Number(await relay.says(/port (\d+)/));
  const { port } = await startAgent(processes, { cwd: directory, httpPort: ports.http, dial, target: origin });

  const speeds: Record<Direction, number[]> = { down: [], up: [] };
  for (let round = 1; round <= rounds; round += 1) {
    for (const direction of ['down', 'up'] as const) {
      const speed = await move(processes, direction, port, BYTES, 180_000);
      speeds[direction].push(speed);
      progress(`round ${round}/${rounds}, 64 MiB ${direction} at ${2 * ONE_WAY_MS} ms: ${short(speed)} MB/s`);
    }
  }
  const figure = (direction: Direction, name: string): Figure => ({
    name: `64 MiB ${name} at 100 ms round trip`,
    value: median(speeds[direction]),
    unit: 'MB/s',
    goal: { atLeast: 60 },
  });
  return {
    figures: [figure('down', 'download'), figure('up', 'upload')],
    raw: { bytes: BYTES, oneWayMs: ONE_WAY_MS, speeds },
  };
}

export const longLink: Scenario = {
  name: 'long-link',
  about: '64 MiB through a tunnel with 100 ms round trip, both directions',
  limitMs: 15 * 60_000,
  run,
};
