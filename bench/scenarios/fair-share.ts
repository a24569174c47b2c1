import { setTimeout as sleep } from 'node:timers/promises';
import { type Berth, gatewayPorts, startAgent, startGateway } from '../lib/berth.js';
import { median, MiB, short } from '../lib/numbers.js';
import { compiled } from '../lib/repository.js';
import { rssBytes } from '../lib/proc-stats.js';
import type { Running } from '../lib/processes.js';
import type { Context, Result, Scenario } from '../lib/scenario.js';
import { startBulkOrigin } from './bulk-run.js';

const ONE_WAY_MS = 50;
const CLIENTS = 24;
const READ_BYTES = 32_000_000;
/** A download has so long to come to its speed. */
const RECOVERY_MS = 2000;
const MEASURE_MS = 3000;

interface Round {
  readonly before: number;
  readonly beside: number;
  readonly gatewayMiB: number;
}

/** What a download does from now on, MB/s. */
async function rate(client: Running, ms: number): Promise<number> {
  const lines = (): string[] => client.output.match(/rate [\d.]+/g) ?? [];
  const already = lines().length;
  await sleep(ms);
  return median(
    lines()
      .slice(already + 1)
      .map((line) => Number(line.slice(5))),
  );
}

async function run({ processes, directory, quick, progress }: Context): Promise<Result> {
  const rounds = quick ? 1 : 3;
  const origin = await startBulkOrigin(processes);
  const results: Round[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const ports = await gatewayPorts();
    const gateway = await startGateway(processes, directory, ports);
    const agent = async (id: string): Promise<Pick<Berth, 'agent' | 'port'>> => {
      const relay = processes.node('relay', compiled('bench/dist/delay-relay.js'), [
        String(ports.grpc),
        String(ONE_WAY_MS),
      ]);
      const dial = Number(await relay.says(/port (\d+)/));
      return await startAgent(processes, { cwd: directory, httpPort: ports.http, dial, target: origin, id });
    };
    const [a, b] = [await agent('a'), await agent('b')];
    const measure = async (): Promise<number> => {
      const args = [String(b.port)];
      const client = processes.node('download', compiled('bench/dist/programs/rate-client.js'), args);
      await sleep(RECOVERY_MS);
      const speed = await rate(client, MEASURE_MS);
      await client.stop();
      return speed;
    };
    const before = await measure();
    const args = [a.port, CLIENTS, 1024 * MiB, READ_BYTES].map(String);
    const stalled = processes.node('stalled clients', compiled('bench/dist/programs/stalled-clients.js'), args);
    await stalled.says(/stalled (\d+)/, 120_000);
    const beside = await measure();
    const gatewayMiB = rssBytes(gateway.pid) / MiB;
    for (const one of [stalled, a.agent, b.agent, gateway]) await one.stop();
    results.push({ before, beside, gatewayMiB });
    progress(
      `round ${round}/${rounds}: ${short(before)} MB/s alone, ${short(beside)} beside; ` +
        `gateway ${short(gatewayMiB)} MiB`,
    );
  }
  const of = (key: keyof Round): number => median(results.map((result) => result[key]));
  const name = `${CLIENTS} clients of another agent that stopped reading`;
  return {
    figures: [
      { name: `download at ${2 * ONE_WAY_MS} ms alone`, value: of('before'), unit: 'MB/s' },
      {
        name: `the same beside ${name}`,
        value: of('beside') / of('before'),
        unit: '× alone',
        goal: { atLeast: 0.9 },
      },
    ],
    raw: { oneWayMs: ONE_WAY_MS, clients: CLIENTS, readBytes: READ_BYTES, recoveryMs: RECOVERY_MS, rounds: results },
  };
}

export const fairShare: Scenario = {
  name: 'fair-share',
  about: 'a download at 100 ms beside another agent whose clients stop reading',
  limitMs: 10 * 60_000,
  run,
};
