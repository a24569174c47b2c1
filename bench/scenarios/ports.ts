import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gatewayPorts, listAgents, startGateway } from '../lib/berth.js';
import { compiled } from '../lib/repository.js';
import type { Context, Result, Scenario } from '../lib/scenario.js';

const HELPERS = 2;
const BACK_TIMEOUT_MS = 120_000;
/** The list of all agents is not small: asking more often would load the gateway that is measured. */
const POLL_MS = 250;

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
      { name: `restart with ${leases.agents} leases: all back after`, value: leases.backMs / 1000, unit: 's' },
    ],
    raw: { rounds, count, servers, leases },
  };
}

/** The gateway is killed and started again in front of agents that are there. */
async function restartWithLeases({ processes, directory, progress }: Context, agents: number) {
  const ports = await gatewayPorts(agents + 100);
  const settings = { 'state-file': join(directory, 'leases.db') };
  let gateway = await startGateway(processes, directory, ports, [], settings);
  const script = compiled('bench/dist/programs/idle-agents.js');
  progress(`connecting ${agents} agents`);
  const helpers = Array.from({ length: HELPERS }, (_, i) => {
    const args = [ports.grpc, (i * agents) / HELPERS, agents / HELPERS].map(String);
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
  const restart = performance.now();
  gateway = await startGateway(processes, directory, ports, [], settings);
  await gateway.until('all agents', BACK_TIMEOUT_MS, async () => {
    await sleep(POLL_MS);
    return (await listAgents(ports.http))?.count === agents || undefined;
  });
  const backMs = performance.now() - restart;
  const after = await portsOf();
  const moved = [...before].filter(([id, port]) => after.get(id) !== port).length;
  return { agents, moved, backMs };
}

export const ports: Scenario = {
  name: 'ports',
  about: 'servers of agents: start and stop, 1,000 at once, and 500 leases over a restart',
  limitMs: 5 * 60_000,
  run,
};
