import { join } from 'node:path';
import { freePortRange } from '@berth/testing';
import { ask } from '../lib/ask.js';
import { type Load, type LoadResult } from '../lib/closed-loop.js';
import { kindTable, measureKinds, ofKind, ratioOf } from '../lib/kinds.js';
import { median, short } from '../lib/numbers.js';
import { judgeIsThere, startJudge } from '../lib/policy.js';
import { reload, writeSettings } from '../lib/settings.js';
import { cpuMicros } from '../lib/proc-stats.js';
import { compiled } from '../lib/repository.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';

const CONNECTIONS = 32;
const TRANSPORTS = ['grpc', 'unix', 'reverse'] as const;
const KINDS = ['none', ...TRANSPORTS] as const;
type Kind = (typeof KINDS)[number];

async function run(context: Context): Promise<Result> {
  const { processes, directory, quick } = context;
  const [rounds, seconds] = quick ? [1, 2] : [7, 5];
  const { start } = await freePortRange(2);
  const places = { grpc: `127.0.0.1:${start}`, unix: `unix:${join(directory, 'judge.sock')}`, reverse: 'reverse' };
  const policyAgents = Object.fromEntries(
    TRANSPORTS.map((name) => [name, { address: places[name], ...(name === 'reverse' && { token: 'bench' }) }]),
  );
  const settings = { policyAgents, policyListener: { port: start + 1 } };
  await writeSettings(directory, settings);
  const judges = [
    await startJudge(processes, places.grpc, 'heads'),
    await startJudge(processes, places.unix, 'heads'),
    await startJudge(processes, `tcp://127.0.0.1:${start + 1}`, 'heads'),
  ];

  const points = await measureKinds(context, {
    kinds: KINDS,
    connections: CONNECTIONS,
    rounds,
    seconds,
    beside: judges.map(({ pid }) => pid),
    async set(kind, admin, gateway) {
      const policies = kind === 'none' ? {} : { '*': { inspect: { agents: [kind] } } };
      await writeSettings(directory, { ...settings, policies });
      await reload(admin);
      if (kind !== 'none') await judgeIsThere(gateway, admin, kind);
    },
  });
  const bare = await bareCalls(context, rounds, seconds);
  console.log(`\n${kindTable('policy agent', KINDS, points)}\n`);

  const added = (kind: Kind): number =>
    ofKind(points, kind, 'cpuMicrosPerRequest') - ofKind(points, 'none', 'cpuMicrosPerRequest');
  const figures = TRANSPORTS.flatMap((kind): Figure[] => {
    const name = (what: string): string => `small GET, heads to one policy agent over ${kind}: ${what}`;
    return [
      { name: name('CPU of all three'), value: ratioOf(points, kind, 'none'), unit: '× none' },
      {
        name: name('p50 more than without'),
        value: ofKind(points, kind, 'p50Micros') - ofKind(points, 'none', 'p50Micros'),
        unit: 'µs',
      },
      {
        name: name('CPU more than without'),
        value: added(kind) / bare,
        unit: '× a bare unary call of gRPC',
        goal: { atMost: 1.3 },
      },
    ];
  });
  figures.push(
    { name: 'bare unary call of gRPC, 32 in flight: CPU of both ends', value: bare, unit: 'µs' },
    {
      name: 'small GET, policy agents: failed requests',
      value: points.reduce((sum, point) => sum + point.failures, 0),
      unit: '',
      goal: { atMost: 0 },
    },
  );
  return { figures, raw: { rounds, seconds, connections: CONNECTIONS, points, bareCpuMicros: bare } };
}

/** What grpc-js takes for an empty call, at both ends, in µs of CPU. */
async function bareCalls({ processes, progress }: Context, rounds: number, seconds: number): Promise<number> {
  const server = processes.node('bare server', compiled('bench/dist/programs/services-bare-server.js'));
  const port = Number(await server.says(/port (\d+)\n/));
  const client = processes.node('client', compiled('bench/dist/programs/services-grpc-client.js'));
  const load: Load = { inFlight: CONNECTIONS, seconds };
  const cpu = (): number => cpuMicros(server.pid) + cpuMicros(client.pid);
  const costs: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const before = cpu();
    const { calls, callsPerSecond } = await ask<LoadResult>(client, { port, ...load }, seconds * 1000 + 15_000);
    if (round > 0) costs.push((cpu() - before) / calls);
    progress(`bare calls, round ${round}/${rounds}: ${short(callsPerSecond)}/s`);
  }
  await client.stop();
  await server.stop();
  return median(costs);
}

export const policyAgents: Scenario = {
  name: 'policy-agents',
  about: 'small GET without a policy agent, and with one over each transport that sees heads of requests',
  limitMs: 8 * 60_000,
  run,
};
