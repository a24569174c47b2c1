import { setTimeout as sleep } from 'node:timers/promises';
import { startBerth } from '../lib/berth.js';
import { MiB } from '../lib/numbers.js';
import { rssBytes } from '../lib/proc-stats.js';
import type { Context, Result, Scenario } from '../lib/scenario.js';

async function run({ processes, directory, quick, progress }: Context): Promise<Result> {
  const { gateway, agent } = await startBerth(processes, directory, 9);
  const settleMs = quick ? 3000 : 10_000;
  progress('settling');
  await sleep(settleMs);
  const [agentMiB, gatewayMiB] = [rssBytes(agent.pid) / MiB, rssBytes(gateway.pid) / MiB];
  return {
    figures: [
      { name: 'idle agent: resident memory', value: agentMiB * (MiB / 1e6), unit: 'MB', goal: { atMost: 90 } },
      { name: 'idle gateway: resident memory', value: gatewayMiB * (MiB / 1e6), unit: 'MB' },
    ],
    raw: { settleMs, agentMiB, gatewayMiB },
  };
}

export const memory: Scenario = {
  name: 'memory',
  about: 'resident memory of one idle agent and an idle gateway',
  limitMs: 2 * 60_000,
  run,
};
