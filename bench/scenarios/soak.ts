import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../lib/ask.js';
import { type AgentOptions, gatewayPorts, startAgent, startGateway } from '../lib/berth.js';
import { liveHeapMiB, SNAPSHOT_FLAG } from '../lib/heap-snapshot.js';
import { openDescriptors } from '../lib/proc-stats.js';
import type { Processes, Running } from '../lib/processes.js';
import { compiled } from '../lib/repository.js';
import type { Context, Figure, Result, Scenario } from '../lib/scenario.js';
import { postBalance, type SoakAccount, type SoakLedger } from '../lib/soak-account.js';
import { SoakWatch } from '../lib/soak-watch.js';

/** Agents that come and go; beside them one stays. */
const FLAPPING = 3;
const SETTLE_MS = 10_000;
/** What is under way at one moment and not at another makes such a difference. */
const MOST_GROWTH_MIB = 3;

/** Ends an agent and starts it again, by turns in order and by force, until `over`. @returns how often, and whether its port changed */
async function flap(
  processes: Processes,
  options: AgentOptions,
  first: { agent: Running; port: number },
  over: () => boolean,
): Promise<{ ended: number; otherPort: number }> {
  let { agent } = first;
  let [ended, otherPort] = [0, 0];
  const between = async (least: number, most: number): Promise<void> => {
    await sleep(least + Math.random() * (most - least));
  };
  for (;;) {
    await between(6000, 16_000);
    if (over()) return { ended, otherPort };
    await agent.stop(ended % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
    ended += 1;
    await between(0, 2000);
    const next = await startAgent(processes, options);
    agent = next.agent;
    if (next.port !== first.port) otherPort += 1;
  }
}

async function run({ processes, directory: cwd, quick, progress }: Context): Promise<Result> {
  const seconds = quick ? 60 : 20 * 60;
  const warmUpSeconds = seconds / 4;
  const ports = await gatewayPorts(16);
  const gateway = await startGateway(processes, cwd, ports, [SNAPSHOT_FLAG]);
  const origin = processes.node('origin', compiled('bench/dist/programs/soak-origin.js'), [String(1 + FLAPPING)]);
  const targets = (await origin.says(/ports ([\d,]+)\n/)).split(',').map(Number);
  const options = targets.map((target, i): AgentOptions => ({
    ...{ cwd, httpPort: ports.http, dial: ports.grpc, target },
    ...(i === 0 ? { id: 'stays', nodeFlags: [SNAPSHOT_FLAG] } : { id: `flaps-${i}` }),
  }));
  const agents = [];
  for (const option of options) agents.push(await startAgent(processes, option));
  const [stays] = agents;
  if (stays === undefined) throw new Error('no agent');
  const script = compiled('bench/dist/programs/soak-client.js');
  const file = join(cwd, 'accounts.json');
  const client = processes.node('clients', script, [agents.map(({ port }) => port).join(','), file]);
  await client.says(/ready (now)\n/);
  await sleep(SETTLE_MS);
  const before = { gateway: openDescriptors(gateway.pid), agent: openDescriptors(stays.agent.pid) };

  progress(`${FLAPPING} agents come and go and one stays, for ${seconds / 60} minutes`);
  const end = performance.now() + seconds * 1000;
  const windowMs = quick ? 5000 : 30_000;
  const watches = { gateway: new SoakWatch(gateway.pid, windowMs), agent: new SoakWatch(stays.agent.pid, windowMs) };
  const flaps = agents.slice(1).map((agent, i) => {
    const option = options[i + 1];
    if (option === undefined) throw new Error('no options');
    return flap(processes, option, agent, () => performance.now() > end - 5000);
  });
  const asked = ask(client, { seconds }, (seconds + 180) * 1000);
  // Both under the same load, and early enough that the last one is over when the load is.
  const live = async (atSeconds: number): Promise<{ gateway: number; agent: number }> => {
    await sleep(end - (seconds - atSeconds) * 1000 - performance.now());
    return { gateway: await liveHeapMiB(gateway, cwd), agent: await liveHeapMiB(stays.agent, cwd) };
  };
  const lives = [await live(warmUpSeconds), await live(seconds - 15)] as const;
  const [, ...flapped] = await Promise.all([asked, ...flaps]);
  const accounts = JSON.parse(readFileSync(file, 'utf8')) as SoakAccount[];
  for (const watch of Object.values(watches)) watch.stop();
  progress('comparing what was answered with what was done');
  await sleep(SETTLE_MS);
  const after = { gateway: openDescriptors(gateway.pid), agent: openDescriptors(stays.agent.pid) };
  const ledger = (await (await fetch(`http://127.0.0.1:${targets[0]}/ledger`)).json()) as SoakLedger;
  const metrics = await (await fetch(`http://127.0.0.1:${ports.http}/metrics`)).text();
  const inFlight = Number(/^berth_exchanges_in_flight (\d+)$/m.exec(metrics)?.[1]);

  for (const words of accounts.flatMap((account) => account.wrongWords)) progress(`wrong: ${words}`);
  const slopes = {
    gateway: watches.gateway.slopes(warmUpSeconds),
    agent: watches.agent.slopes(warmUpSeconds),
  };
  const posts = postBalance(accounts, ledger);
  const sum = (of: (account: SoakAccount) => number): number => accounts.reduce((total, one) => total + of(one), 0);
  const brokenOf = ({ broken }: SoakAccount): number => Object.values(broken).reduce((total, one) => total + one, 0);
  const figure = (name: string, value: number, unit = ''): Figure => ({ name: `soak: ${name}`, value, unit });
  const none = (name: string, value: number): Figure => ({ ...figure(name, value), goal: { atMost: 0 } });
  const grown = (end: string, value: number): Figure => ({
    ...figure(`live memory of the ${end}, growth after the warm-up`, value, 'MiB'),
    goal: { atMost: MOST_GROWTH_MIB },
  });
  return {
    figures: [
      figure('minutes', seconds / 60),
      figure(
        'times an agent ended and came back',
        flapped.reduce((total, { ended }) => total + ended, 0),
      ),
      figure(
        'answers and messages, all bytes compared',
        sum(({ right }) => right),
      ),
      figure('bytes of them', sum(({ bytes }) => bytes) / 1e6, 'MB'),
      none('wrong', sum(({ wrong }) => wrong) + ledger.wrongBodies),
      none('POSTs that ran twice', posts.doubled),
      none('POSTs answered that never ran', posts.answeredAndNotRun),
      none(
        'without an end for a minute',
        sum(({ stuck }) => stuck),
      ),
      none('broken at the agent that stays', accounts[0] === undefined ? NaN : brokenOf(accounts[0])),
      figure(
        'broken or refused at agents that come and go',
        accounts.slice(1).reduce((n, one) => n + brokenOf(one), 0),
      ),
      none(
        'returns to another port',
        flapped.reduce((total, { otherPort }) => total + otherPort, 0),
      ),
      none('exchanges left in the gateway', inFlight),
      none('descriptors left in the gateway', after.gateway - before.gateway),
      none('descriptors left in the agent', after.agent - before.agent),
      grown('gateway', lives[1].gateway - lives[0].gateway),
      grown('agent', lives[1].agent - lives[0].agent),
      figure('resident memory of the gateway after the warm-up', slopes.gateway.mibPerHour, 'MiB/h'),
      figure('resident memory of the agent after the warm-up', slopes.agent.mibPerHour, 'MiB/h'),
      figure('descriptors of the gateway after the warm-up', slopes.gateway.descriptorsPerHour, 'per hour'),
      figure('descriptors of the agent after the warm-up', slopes.agent.descriptorsPerHour, 'per hour'),
    ],
    raw: {
      ...{ seconds, warmUpSeconds, flapped, posts, inFlight, before, after, slopes, lives },
      accounts: accounts.map(({ posts: { length }, ...account }) => ({ ...account, posts: length })),
      ledger: { posts: Object.keys(ledger.posts).length, wrongBodies: ledger.wrongBodies },
      samples: { gateway: watches.gateway.samples, agent: watches.agent.samples },
    },
  };
}

export const soak: Scenario = {
  name: 'soak',
  about: 'agents that come and go for 20 minutes, every byte compared: what is wrong, doubled, or left over',
  limitMs: 30 * 60_000,
  onlyByName: true,
  run,
};
