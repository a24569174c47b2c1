import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gatewayPorts, listAgents, startGateway } from '../lib/berth.js';
import { closedLoop, type LoadResult } from '../lib/closed-loop.js';
import { compiled } from '../lib/repository.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';

const RELOADS = 20;
const CLIENTS = 16;
const EVERY_MS = 250;
/** Two of each, so that every reload changes limits of requests, the chain of handlers and the rules of all ports. */
const SETTINGS = [0, 1].map((turn) => ({
  ingress: { maxBodyBytes: 1_000_000 + turn, idleTimeoutMs: 300_000 + turn, retry: { percent: 20 + turn } },
  tunnel: { maxAgents: 10_000 + turn },
  policies: { '*': { limits: { maxExchanges: 1000 + turn } } },
}));

async function run({ processes, directory, quick, progress }: Context): Promise<Result> {
  const agents = quick ? 50 : 500;
  const service = createServer((_, response) => response.end('x'.repeat(100))).listen(0, '127.0.0.1');
  await once(service, 'listening');
  try {
    const write = (turn: number): void => {
      // JSON is YAML.
      writeFileSync(join(directory, 'application.yaml'), JSON.stringify(SETTINGS[turn % 2]));
    };
    write(0);
    const ports = await gatewayPorts(agents + 20);
    await startGateway(processes, directory, ports);
    const target = (service.address() as AddressInfo).port;
    const script = compiled('bench/dist/programs/idle-agents.js');
    const helper = processes.node('agents', script, [ports.grpc, 0, agents, target].map(String));
    await helper.says(/connected (\d+)/, 120_000);
    const listed = (await listAgents(ports.http))?.agents ?? [];
    const lanes = Array.from({ length: CLIENTS }, (_, lane) => listed[Math.floor((lane * listed.length) / CLIENTS)]);
    const keepAlive = lanes.map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
    const load = (): Promise<LoadResult> =>
      closedLoop({ inFlight: CLIENTS, seconds: ((RELOADS + 2) * EVERY_MS) / 1000 }, async (lane) => {
        await ask(lanes[lane]?.port ?? 0, keepAlive[lane]);
      });
    progress(`${agents} agents; load without reloads`);
    await load();
    const before = await load();
    progress(`the same with ${RELOADS} reloads`);
    const took: number[] = [];
    const beside = load();
    for (let turn = 1; turn <= RELOADS; turn += 1) {
      await sleep(EVERY_MS);
      write(turn);
      const from = performance.now();
      const response = await fetch(`http://127.0.0.1:${ports.http}/config/reload`, { method: 'POST' });
      took.push(performance.now() - from);
      // The watch of the file may have been there first: then nothing is left to change.
      if (!response.ok) throw new Error(`a reload was refused: ${await response.text()}`);
      await response.body?.cancel();
    }
    const during = await beside;
    for (const agent of keepAlive) agent.destroy();
    const left = (await listAgents(ports.http))?.count ?? 0;
    return { figures: figuresOf(agents, left, before, during, took), raw: { agents, left, before, during, took } };
  } finally {
    service.close();
    service.closeAllConnections();
  }
}

function figuresOf(
  agents: number,
  left: number,
  before: LoadResult,
  during: LoadResult,
  took: readonly number[],
): Figure[] {
  const name = `${agents} agents, ${RELOADS} reloads`;
  return [
    { name: `${name}: failed requests`, value: during.failures, unit: '', goal: { atMost: 0 } },
    { name: `${name}: agents lost`, value: agents - left, unit: '', goal: { atMost: 0 } },
    { name: `${name}: p99 without`, value: before.p99Micros / 1000, unit: 'ms' },
    { name: `${name}: p99 beside them`, value: during.p99Micros / 1000, unit: 'ms' },
    { name: `${name}: requests/s without`, value: before.callsPerSecond, unit: '1/s' },
    { name: `${name}: requests/s beside them`, value: during.callsPerSecond, unit: '1/s' },
    { name: `${name}: longest reload`, value: Math.max(...took), unit: 'ms' },
  ];
}

/** Rejects for anything but a whole 200. */
async function ask(port: number, agent: Agent | undefined): Promise<void> {
  const request = get({ host: '127.0.0.1', port, agent });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const body = await text(response);
  if (response.statusCode !== 200 || body.length !== 100) throw new Error(`${response.statusCode ?? 0} ${body}`);
}

export const reload: Scenario = {
  name: 'reload',
  about: '500 agents, requests to 16 of them, and 20 changes of settings meanwhile: none may fail',
  limitMs: 5 * 60_000,
  run,
};
