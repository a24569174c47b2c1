import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { freePortRange } from '@berth/testing';
import { gatewayPorts, startAgent, startGateway } from '../lib/berth.js';
import { startOrigin } from '../lib/nginx.js';
import { judgeIsThere, startJudge } from '../lib/policy.js';
import { reload, writeSettings } from '../lib/settings.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';

const PER_SECOND = 1000;
const EVERY_MS = 10;
/** After that a request hangs: the agent has 1 s for its answer. */
const HANG_MS = 5000;
const MODES = ['open', 'closed'] as const;
type Mode = (typeof MODES)[number];

interface Counts {
  sent: number;
  allowed: number;
  blocked: number;
  unavailable: number;
  hung: number;
  /** an answer that nobody may give: a block of what is allowed, or under fail closed a pass of what is not */
  wrong: number;
}

async function run(context: Context): Promise<Result> {
  const { processes, directory, quick, progress } = context;
  const seconds = quick ? 3 : 20;
  const { start } = await freePortRange(1);
  const address = `127.0.0.1:${start}`;
  const origin = await startOrigin(processes, directory);
  const ports = await gatewayPorts();
  const settings = (mode: Mode): object => ({
    policyAgents: { judge: { address, whenUnavailable: mode, timeoutMs: 1000 } },
    policies: { '*': { inspect: { agents: ['judge'] } } },
  });
  await writeSettings(directory, settings('closed'));
  const gateway = await startGateway(processes, directory, ports);
  const { port } = await startAgent(processes, {
    cwd: directory,
    httpPort: ports.http,
    dial: ports.grpc,
    target: origin.port,
  });

  const figures: Figure[] = [];
  const raw: Partial<Record<Mode, Counts>> = {};
  for (const mode of MODES) {
    await writeSettings(directory, settings(mode));
    await reload(ports.http);
    let judge = await startJudge(processes, address, 'rules');
    await judgeIsThere(gateway, ports.http, 'judge');
    const asking = load(port, mode, seconds);
    for (let second = 1; second < seconds; second += 1) {
      await wait(1000);
      await judge.end();
      judge = await startJudge(processes, address, 'rules');
      progress(`fail ${mode}, ${second}/${seconds} s`);
    }
    const counts = (raw[mode] = await asking);
    await judge.end();
    const name = (what: string): string =>
      `policy agent killed each second, fail ${mode}, ${counts.sent} requests: ${what}`;
    figures.push(
      { name: name('without an answer'), value: counts.hung, unit: '', goal: { atMost: 0 } },
      { name: name('wrong decisions'), value: counts.wrong, unit: '', goal: { atMost: 0 } },
      { name: name('passed'), value: counts.allowed, unit: '' },
      { name: name('blocked'), value: counts.blocked, unit: '' },
      { name: name('503, the agent is away'), value: counts.unavailable, unit: '' },
    );
  }
  return { figures, raw };
}

/** So many requests a second, whatever becomes of those before; every other one is to be blocked. */
async function load(port: number, mode: Mode, seconds: number): Promise<Counts> {
  const counts: Counts = { sent: 0, allowed: 0, blocked: 0, unavailable: 0, hung: 0, wrong: 0 };
  const agent = new Agent({ keepAlive: true, maxSockets: 2000 });
  const under: Promise<void>[] = [];
  const began = performance.now();
  for (let passed = 0; passed < seconds * 1000; passed = performance.now() - began) {
    for (; counts.sent < (passed * PER_SECOND) / 1000; counts.sent += 1) {
      const forbidden = counts.sent % 2 === 1;
      under.push(status(agent, port, forbidden ? '/blocked' : '/').then((code) => note(counts, mode, forbidden, code)));
    }
    await wait(EVERY_MS);
  }
  await Promise.all(under);
  agent.destroy();
  return counts;
}

function note(counts: Counts, mode: Mode, forbidden: boolean, code: number): void {
  if (code === 0) counts.hung += 1;
  else if (code === 503) counts.unavailable += 1;
  else if (code === 403) counts.blocked += 1;
  else counts.allowed += 1;
  const isPass = code !== 0 && code !== 503 && code !== 403;
  if ((code === 403 && !forbidden) || (isPass && forbidden && mode === 'closed')) counts.wrong += 1;
  if (code === 503 && mode === 'open') counts.wrong += 1;
}

/** @returns 0: no answer in time, or a broken connection */
async function status(agent: Agent, port: number, path: string): Promise<number> {
  return await new Promise((resolve) => {
    const asked = request({ agent, port, path, host: '127.0.0.1', timeout: HANG_MS }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    });
    asked.once('timeout', () => asked.destroy()).once('close', () => resolve(0));
    asked.once('error', () => resolve(0)).end();
  });
}

export const policyFaults: Scenario = {
  name: 'policy-faults',
  about: '1,000 requests/s past a policy agent that is killed each second, failing open and closed',
  limitMs: 3 * 60_000,
  run,
};
