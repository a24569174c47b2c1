import { setTimeout as sleep } from 'node:timers/promises';
import { startBerth } from '../lib/berth.js';
import { MiB, quantile, short } from '../lib/numbers.js';
import { cpuMicros, RssWatch, rssBytes } from '../lib/proc-stats.js';
import { compiled } from '../lib/repository.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import { startBulkOrigin } from './bulk-run.js';

const CONNECTIONS = 8;
const FLOODS = ['reset', 'window-update'] as const;
const RETURN_MS = 15_000;

interface Round {
  readonly flood: (typeof FLOODS)[number];
  readonly came: number;
  readonly cpuSeconds: number;
  readonly growthMiB: number;
  readonly leftMiB: number;
  readonly p50BeforeMicros: number;
  readonly p50BesideMicros: number;
}

async function once(context: Context, flood: Round['flood'], origin: number): Promise<Round> {
  const { processes, directory, quick } = context;
  const seconds = quick ? 3 : 15;
  const { gateway, agent, ports, port } = await startBerth(processes, directory, origin);
  const probe = async (): Promise<number> => {
    const args = [String(port), String(seconds - 1)];
    const running = processes.node('probe', compiled('bench/dist/programs/probe.js'), args);
    return quantile(JSON.parse(await running.finishes((seconds + 60) * 1000)) as number[], 0.5);
  };
  await probe();
  const p50BeforeMicros = await probe();
  const watch = new RssWatch(gateway.pid);
  const cpu = cpuMicros(gateway.pid);
  const args = [ports.grpc, CONNECTIONS, seconds].map(String);
  const script = compiled('bench/dist/programs/strangers.js');
  const strangers = processes.node('strangers', script, [...args, flood]);
  const [p50BesideMicros, said] = await Promise.all([probe(), strangers.finishes((seconds + 60) * 1000)]);
  const cpuSeconds = (cpuMicros(gateway.pid) - cpu) / 1e6;
  const growthMiB = watch.stop() / MiB;
  await sleep(quick ? 1000 : RETURN_MS);
  const leftMiB = (rssBytes(gateway.pid) - watch.startBytes) / MiB;
  await Promise.all([agent.stop(), gateway.stop()]);
  const came = Number(/came (\d+)/.exec(said)?.[1]);
  context.progress(
    `${flood}: ${came} connections, grew ${short(growthMiB)} MiB, ${short(leftMiB)} left; ` +
      `p50 ${short(p50BeforeMicros)} µs before, ${short(p50BesideMicros)} beside`,
  );
  return { flood, came, cpuSeconds, growthMiB, leftMiB, p50BeforeMicros, p50BesideMicros };
}

function figuresOf({ flood, growthMiB, leftMiB, p50BeforeMicros, p50BesideMicros }: Round): Figure[] {
  const name = `${CONNECTIONS} strangers, ${flood} flood`;
  return [
    { name: `${name}: growth of the gateway`, value: growthMiB, unit: 'MiB', goal: { atMost: 64 } },
    { name: `${name}: left of it after 15 s`, value: leftMiB, unit: 'MiB' },
    { name: `${name}: p50 of an agent's clients before`, value: p50BeforeMicros, unit: 'µs' },
    { name: `${name}: the same beside it`, value: p50BesideMicros, unit: 'µs' },
  ];
}

async function run(context: Context): Promise<Result> {
  const origin = await startBulkOrigin(context.processes);
  const rounds: Round[] = [];
  for (const flood of FLOODS) rounds.push(await once(context, flood, origin));
  return { figures: rounds.flatMap(figuresOf), raw: rounds };
}

export const strangers: Scenario = {
  name: 'strangers',
  about: 'connections without a Hello that flood the gRPC port and come again: memory, and what others notice',
  limitMs: 5 * 60_000,
  run,
};
