import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gatewayPorts, listAgents, startGateway } from '../lib/berth.js';
import { getJson } from '../lib/http.js';
import { monotonicMs, quantile } from '../lib/numbers.js';
import { compiled } from '../lib/repository.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import type { Return } from '../programs/returning-agents.js';

const HELPERS = 2;
const BACK_TIMEOUT_MS = 120_000;
/** `reconnect.earlyForMs`, as by default. */
const EARLY_FOR_MS = 60_000;
/** Between two questions to the gateway that show how busy it is. */
const ASK_MS = 50;

interface Times {
  readonly medianMs: number;
  readonly p99Ms: number;
}

interface ServersReport {
  readonly start: Times;
  readonly stop: Times;
  /** descriptors */
  readonly before: number;
  readonly open: number;
  readonly after: number;
  readonly upMs: number;
  readonly downMs: number;
}

async function run(context: Context): Promise<Result> {
  const { processes, quick } = context;
  const [rounds, count] = quick ? [50, 100] : [1000, 1000];
  const script = compiled('bench/dist/programs/port-servers.js');
  const told = await processes.node('servers', script, [String(rounds), String(count)]).finishes(60_000);
  const servers = JSON.parse(told) as ServersReport;
  if (servers.open < servers.before + count)
    throw new Error(`only ${servers.open - servers.before} of ${count} listen`);
  const leases = await restartWithLeases(context, quick ? 50 : 500);
  return {
    figures: [
      { name: 'server of an agent: start, median', value: servers.start.medianMs, unit: 'ms', goal: { atMost: 2 } },
      { name: 'server of an agent: stop, median', value: servers.stop.medianMs, unit: 'ms', goal: { atMost: 2 } },
      { name: `${count} servers: up in`, value: servers.upMs, unit: 'ms' },
      { name: `${count} servers: down in`, value: servers.downMs, unit: 'ms' },
      {
        name: `${count} servers, up and down: descriptors left`,
        value: servers.after - servers.before,
        unit: '',
        goal: { atMost: 0 },
      },
      {
        name: `restart with ${leases.agents} leases: other ports than before`,
        value: leases.moved,
        unit: '',
        goal: { atMost: 0 },
      },
      ...backFigures(leases),
    ],
    raw: { rounds, count, servers, leases },
  };
}

type Leases = Awaited<ReturnType<typeof restartWithLeases>>;

function backFigures({ agents, backMs, answerMs }: Leases): Figure[] {
  const name = `restart with ${agents} leases`;
  return [
    { name: `${name}: agents back, p50`, value: quantile(backMs, 0.5) / 1000, unit: 's' },
    { name: `${name}: agents back, p95`, value: quantile(backMs, 0.95) / 1000, unit: 's', goal: { atMost: 5 } },
    { name: `${name}: all back after`, value: Math.max(...backMs) / 1000, unit: 's' },
    { name: `${name}: answers of the admin port meanwhile, p50`, value: quantile(answerMs, 0.5), unit: 'ms' },
    { name: `${name}: the slowest`, value: Math.max(...answerMs), unit: 'ms' },
  ];
}

/** The gateway is killed and started again in front of agents that are there. */
async function restartWithLeases({ processes, directory, progress }: Context, agents: number) {
  const ports = await gatewayPorts(agents + 100);
  const settings = { 'state-file': join(directory, 'leases.db') };
  let gateway = await startGateway(processes, directory, ports, [], settings);
  const script = compiled('bench/dist/programs/returning-agents.js');
  progress(`connecting ${agents} agents`);
  const helpers = Array.from({ length: HELPERS }, (_, i) => {
    const args = [ports.grpc, agents / HELPERS, EARLY_FOR_MS, (i * agents) / HELPERS].map(String);
    return processes.node(`agents ${i + 1}`, script, args);
  });
  await Promise.all(helpers.map(async (helper) => await helper.says(/connected (\d+)/, 120_000)));
  const portsOf = async (): Promise<Map<string, number>> => {
    const list = await listAgents(ports.http);
    return new Map(list?.agents.map(({ agent_id, port }) => [agent_id, port]));
  };
  const before = await portsOf();
  if (before.size !== agents) throw new Error(`${before.size} of ${agents} agents have a port`);
  progress('killing the gateway and starting it again');
  await gateway.stop('SIGKILL');
  gateway = await startGateway(processes, directory, ports, [], settings);
  const readyAt = monotonicMs();
  const allBack = Promise.all(helpers.map(async (helper) => await helper.says(/back (\{.*\})/, BACK_TIMEOUT_MS)));
  const answerMs = await answersUntil(allBack, `http://127.0.0.1:${ports.http}/health/ready`);
  const returns = (await allBack).map((told) => JSON.parse(told) as Return);
  const backMs = returns.flatMap(({ backAt }) => backAt.map((at) => Math.max(0, at - readyAt)));
  const after = await portsOf();
  const moved = [...before].filter(([id, port]) => after.get(id) !== port).length;
  return { agents, moved, backMs, answerMs, attempts: returns.reduce((sum, { attempts }) => sum + attempts, 0) };
}

/** Asks the gateway again and again. @returns how long each answer took, ms */
async function answersUntil(end: Promise<unknown>, url: string): Promise<number[]> {
  const taken: number[] = [];
  const over = new AbortController();
  const stop = (): void => over.abort();
  end.then(stop, stop);
  while (!over.signal.aborted) {
    const start = performance.now();
    await getJson(url);
    taken.push(performance.now() - start);
    await sleep(ASK_MS);
  }
  return taken;
}

export const ports: Scenario = {
  name: 'ports',
  about: 'servers of agents: start and stop, 1,000 at once, and 500 leases over a restart',
  limitMs: 5 * 60_000,
  run,
};
