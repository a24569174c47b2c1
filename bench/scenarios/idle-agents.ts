import { setTimeout as sleep } from 'node:timers/promises';
import { gatewayPorts, listAgents, startGateway } from '../lib/berth.js';
import { MiB } from '../lib/numbers.js';
import { rssBytes } from '../lib/proc-stats.js';
import { compiled } from '../lib/repository.js';
import type { Context, Result, Scenario } from '../lib/scenario.js';

const HELPERS = 4;
const BACK_TIMEOUT_MS = 180_000;
/** The list of all agents is not small: asking more often would load the gateway that is measured. */
const POLL_MS = 250;

async function run({ processes, directory, quick, progress }: Context): Promise<Result> {
  const agents = quick ? 200 : 2000;
  const settleMs = quick ? 3000 : 10_000;
  const ports = await gatewayPorts(agents + 100);
  let gateway = await startGateway(processes, directory, ports);
  await listAgents(ports.http);
  await sleep(settleMs);
  const emptyBytes = rssBytes(gateway.pid);

  progress(`connecting ${agents} agents`);
  const connectStart = performance.now();
  const script = compiled('bench/dist/programs/idle-agents.js');
  const helpers = Array.from({ length: HELPERS }, (_, i) => {
    const args = [ports.grpc, (i * agents) / HELPERS, agents / HELPERS].map(String);
    return processes.node(`agents ${i + 1}`, script, args);
  });
  await Promise.all(helpers.map(async (helper) => await helper.says(/connected (\d+)/, 120_000)));
  const connectMs = performance.now() - connectStart;
  progress(`connected after ${(connectMs / 1000).toFixed(1)} s; settling`);
  await sleep(settleMs);
  const fullBytes = rssBytes(gateway.pid);

  progress('killing the gateway and starting it again');
  await gateway.stop('SIGKILL');
  const restart = performance.now();
  gateway = await startGateway(processes, directory, ports);
  const readyMs = performance.now() - restart;
  await gateway.until('all agents', BACK_TIMEOUT_MS, async () => {
    await sleep(POLL_MS);
    return (await listAgents(ports.http))?.count === agents || undefined;
  });
  const backMs = performance.now() - restart;
  progress(`all back after ${(backMs / 1000).toFixed(1)} s`);

  const kibPerAgent = (fullBytes - emptyBytes) / 1024 / agents;
  return {
    figures: [
      { name: `${agents} idle agents: gateway, each`, value: kibPerAgent, unit: 'KiB', goal: { atMost: 70 } },
      { name: `${agents} idle agents: gateway in all`, value: fullBytes / MiB, unit: 'MiB' },
      { name: `${agents} idle agents: first connected in`, value: connectMs / 1000, unit: 's' },
      { name: `${agents} idle agents: all back after a restart in`, value: backMs / 1000, unit: 's' },
    ],
    raw: { agents, settleMs, emptyBytes, fullBytes, connectMs, readyMs, backMs },
  };
}

export const idleAgents: Scenario = {
  name: 'idle-agents',
  about: '2,000 agents in one gateway, each with its port: memory, and their return after a restart',
  limitMs: 10 * 60_000,
  run,
};
