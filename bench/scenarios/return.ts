import { setTimeout as sleep } from 'node:timers/promises';
import { gatewayPorts, startGateway } from '../lib/berth.js';
import { monotonicMs, quantile } from '../lib/numbers.js';
import { compiled } from '../lib/repository.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import type { Return } from '../programs/returning-agents.js';

const AGENTS = 100;
const BACK_TIMEOUT_MS = 120_000;
/** `reconnect.earlyForMs`: the default, and without an early pace, as it was before there was one. */
const PACES = { early: 60_000, growing: 0 } as const;

interface Round {
  readonly pace: keyof typeof PACES;
  readonly downMs: number;
  /** since the gateway was ready, ms; an agent may be quicker than the question whether it is */
  readonly backMs: readonly number[];
  readonly attempts: number;
  readonly busiest: number;
}

async function once(context: Context, pace: keyof typeof PACES, downMs: number): Promise<Round> {
  const { processes, directory } = context;
  const ports = await gatewayPorts(AGENTS + 20);
  const before = await startGateway(processes, directory, ports);
  const script = compiled('bench/dist/programs/returning-agents.js');
  const agents = processes.node('agents', script, [ports.grpc, AGENTS, PACES[pace]].map(String));
  await agents.says(/connected (\d+)/, 60_000);
  await sleep(1000);
  await before.stop('SIGKILL');
  await sleep(downMs);
  const after = await startGateway(processes, directory, ports);
  const readyAt = monotonicMs();
  const found = JSON.parse(await agents.says(/back (\{.*\})/, BACK_TIMEOUT_MS)) as Return;
  await Promise.all([agents.stop(), after.stop()]);
  const { attempts, busiest } = found;
  return { pace, downMs, backMs: found.backAt.map((at) => Math.max(0, at - readyAt)), attempts, busiest };
}

async function run(context: Context): Promise<Result> {
  const rounds: Round[] = [];
  for (const downMs of context.quick ? [2000] : [1000, 5000, 15_000]) {
    for (const pace of ['early', 'growing'] as const) {
      const round = await once(context, pace, downMs);
      const [p50, p95] = [quantile(round.backMs, 0.5), quantile(round.backMs, 0.95)];
      context.progress(`${pace}, away ${downMs} ms: back p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms`);
      rounds.push(round);
    }
  }
  return { figures: rounds.flatMap(figuresOf), raw: rounds };
}

function figuresOf({ pace, downMs, backMs, attempts, busiest }: Round): Figure[] {
  const name = `${AGENTS} agents, gateway away ${downMs / 1000} s, ${pace} waits`;
  const p95 = { name: `${name}: back, p95`, value: quantile(backMs, 0.95) / 1000, unit: 's' };
  return [
    { name: `${name}: back, p50`, value: quantile(backMs, 0.5) / 1000, unit: 's' },
    pace === 'early' ? { ...p95, goal: { atMost: 3 } } : p95,
    { name: `${name}: attempts per agent`, value: attempts / AGENTS, unit: '' },
    { name: `${name}: attempts, busiest second`, value: busiest, unit: '' },
  ];
}

export const returning: Scenario = {
  name: 'return',
  about: '100 agents come back after a crash of their gateway, with and without the early pace of their waits',
  limitMs: 10 * 60_000,
  run,
};
