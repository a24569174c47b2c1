import { setTimeout as sleep } from 'node:timers/promises';
import { startBerth } from '../lib/berth.js';
import { median, MiB, quantile, short } from '../lib/numbers.js';
import { RssWatch } from '../lib/proc-stats.js';
import { compiled } from '../lib/repository.js';
import type { Context, Result, Scenario } from '../lib/scenario.js';
import { startBulkOrigin } from './bulk-run.js';

const CLIENTS = 100;
const BYTES = 1024 * MiB;

interface Round {
  readonly growthMiB: number;
  readonly agentGrowthMiB: number;
  readonly p99BeforeMicros: number;
  readonly p99BesideMicros: number;
  readonly p50BeforeMicros: number;
  readonly p50BesideMicros: number;
}

async function run({ processes, directory, quick, progress }: Context): Promise<Result> {
  const rounds = quick ? 1 : 5;
  const probeSeconds = quick ? 3 : 10;
  const settleMs = quick ? 1000 : 3000;
  const origin = await startBulkOrigin(processes);
  const { gateway, agent, port } = await startBerth(processes, directory, origin);
  const probe = async (seconds: number): Promise<number[]> => {
    const args = [String(port), String(seconds)];
    const running = processes.node('probe', compiled('bench/dist/programs/probe.js'), args);
    return JSON.parse(await running.finishes((seconds + 60) * 1000)) as number[];
  };

  progress('warming up');
  await probe(quick ? 2 : 10);
  const results: Round[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const before = await probe(probeSeconds);
    const watches = [new RssWatch(gateway.pid), new RssWatch(agent.pid)] as const;
    const args = [port, CLIENTS, BYTES].map(String);
    const clients = processes.node('stalled clients', compiled('bench/dist/programs/stalled-clients.js'), args);
    await clients.says(/stalled (\d+)/, 60_000);
    await sleep(settleMs);
    const beside = await probe(probeSeconds);
    const [growthMiB, agentGrowthMiB] = [watches[0].stop() / MiB, watches[1].stop() / MiB];
    await clients.stop();
    await sleep(settleMs);
    const result: Round = {
      growthMiB,
      agentGrowthMiB,
      p99BeforeMicros: quantile(before, 0.99),
      p99BesideMicros: quantile(beside, 0.99),
      p50BeforeMicros: quantile(before, 0.5),
      p50BesideMicros: quantile(beside, 0.5),
    };
    results.push(result);
    const times = `p99 ${short(result.p99BeforeMicros)} µs before, ${short(result.p99BesideMicros)} µs beside`;
    progress(`round ${round}/${rounds}: gateway grew ${short(growthMiB)} MiB, ${times}`);
  }

  const of = (key: keyof Round): number => median(results.map((result) => result[key]));
  const name = '100 stalled downloads of 1 GiB';
  return {
    figures: [
      // The first round is the one that finds the gateway small; later ones start from what it kept.
      {
        name: `${name}: growth of the gateway`,
        value: Math.max(...results.map((r) => r.growthMiB)),
        unit: 'MiB',
        goal: { atMost: 64 },
      },
      { name: `${name}: growth of the agent`, value: Math.max(...results.map((r) => r.agentGrowthMiB)), unit: 'MiB' },
      {
        name: `${name}: p99 of others beside them`,
        value: of('p99BesideMicros') / of('p99BeforeMicros'),
        unit: '× before',
        goal: { atMost: 1.2 },
      },
    ],
    raw: { clients: CLIENTS, bytes: BYTES, probeSeconds, rounds: results },
  };
}

export const stalled: Scenario = {
  name: 'stalled',
  about: '100 clients that stop reading: memory, and what others notice',
  limitMs: 15 * 60_000,
  run,
};
