import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs, short } from '../lib/numbers.js';
import { Replicas } from '../lib/replicas.js';
import type { Context, Figure } from '../lib/scenario.js';
import type { ClientAnswer, FailedRequest } from '../programs/replica-client.js';

const CLIENTS = 32;
const DELAY_MS = 20;
/** that rolling restarts must stand at least */
const REQUESTS = 20_000;
/** Until nothing more is begun on a replica that does not answer, ms. */
const STOPPED_MS = 1000;
const AT_ONCE = { 'tunnel-slow-start-ms': '0' };
/** `tunnel.pingIntervalMs` and `tunnel.pingTimeoutMs`, ms: a Ping may just have been answered when an agent stops. */
const PING = { intervalMs: 10_000, timeoutMs: 10_000 };

export interface Rolling extends ClientAnswer {
  readonly restarts: number;
  readonly doubled: number;
}

/** Each of four replicas is asked to end and started again, one after the other, until enough has been answered. */
export async function rollingRestart({ processes, directory, quick, progress }: Context): Promise<Rolling> {
  const replicas = await Replicas.start(processes, directory, { count: 4 });
  await replicas.services({ delaysMs: replicas.agents.map(() => DELAY_MS) });
  await replicas.begin(CLIENTS);
  const end = performance.now() + (quick ? 4000 : 30_000);
  let [restarts, asked] = [0, 0];
  while (performance.now() < end || asked < (quick ? 0 : REQUESTS) || restarts % 4 !== 0) {
    const index = restarts % 4;
    await replicas.agents[index]?.stop();
    await replicas.untilConnected(3);
    await replicas.startAgain(index);
    restarts += 1;
    await sleep(500);
    asked += (await replicas.services()).asked.reduce((sum, its) => sum + its, 0);
  }
  const answer = await replicas.end();
  const { doubled } = await replicas.services();
  await replicas.stop();
  progress(`${restarts} restarts in order: ${answer.requests} requests, ${answer.failures} failed`);
  return { ...answer, restarts, doubled };
}

export interface Kill {
  /** it was stopped before, so that what was under way on it is known */
  readonly stoppedFirst: boolean;
  readonly requests: number;
  readonly failures: number;
  /** exchanges on it when it was killed, as the gateway had them; those that can be repeated included */
  readonly inFlight: number;
  readonly failed: readonly FailedRequest[];
  readonly killedAt: number;
  readonly doubled: number;
}

/** One of two replicas is killed under load: as it runs, and after it was stopped for a moment. */
export async function kills({ processes, directory, quick, progress }: Context): Promise<Kill[]> {
  const rounds = quick ? 1 : 6;
  const found: Kill[] = [];
  const replicas = await Replicas.start(processes, directory, { count: 2, settings: AT_ONCE });
  await replicas.services({ delaysMs: [DELAY_MS, DELAY_MS] });
  for (let round = 1; round <= rounds; round += 1) {
    const index = (round - 1) % 2;
    await replicas.begin(CLIENTS);
    await sleep(3000);
    await replicas.services();
    // The one that has been here for longer is first in the list, and its turn has come.
    const stoppedFirst = round > rounds / 2;
    if (stoppedFirst) {
      replicas.agents[index]?.kill('SIGSTOP');
      await sleep(STOPPED_MS);
    }
    const [inFlight = NaN] = await replicas.inFlight();
    const killedAt = monotonicMs();
    replicas.agents[index]?.kill('SIGKILL');
    await sleep(2000);
    const { requests, failures, failed } = await replicas.end();
    const { doubled } = await replicas.services();
    found.push({ stoppedFirst, requests, failures, inFlight, failed, killedAt, doubled });
    progress(`kill ${round}/${rounds}: ${inFlight} under way on it, ${failures} failed`);
    await replicas.untilConnected(1);
    await replicas.startAgain(index);
  }
  await replicas.stop();
  return found;
}

export interface Stop {
  /** since the agent was stopped */
  readonly firstFailureMs: number;
  readonly what: string;
}

/** The only agent is stopped under load, at random times between two Pings; the time to the first answer of Berth. */
export async function stops({ processes, directory, quick, progress }: Context): Promise<Stop[]> {
  const rounds = quick ? 1 : 5;
  const found: Stop[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const replicas = await Replicas.start(processes, directory, { count: 1 });
    await replicas.begin(4);
    await sleep(500 + Math.random() * PING.intervalMs);
    const stoppedAt = monotonicMs();
    replicas.agents[0]?.kill('SIGSTOP');
    await sleep(PING.intervalMs + PING.timeoutMs + 1500);
    const { failed } = await replicas.end();
    replicas.agents[0]?.kill('SIGCONT');
    const first = failed[0];
    found.push({ firstFailureMs: (first?.endedAt ?? NaN) - stoppedAt, what: first?.what ?? 'nothing' });
    progress(`stop ${round}/${rounds}: ${first?.what} after ${short((first?.endedAt ?? NaN) - stoppedAt)} ms`);
    await replicas.stop();
  }
  return found;
}

export function faultFigures(rolling: Rolling, killed: readonly Kill[], stopped: readonly Stop[]): Figure[] {
  const sum = (of: (kill: Kill) => number): number => killed.reduce((total, one) => total + of(one), 0);
  const none = (name: string, value: number): Figure => ({ name, value, unit: '', goal: { atMost: 0 } });
  const kill = 'kill -9 of one of two replicas';
  const other = sum(
    ({ failed }) => failed.filter(({ method, what }) => method !== 'POST' || !/LOST/.test(what)).length,
  );
  return [
    {
      name: 'rolling restart of four replicas: requests',
      value: rolling.requests,
      unit: '',
      goal: { atLeast: REQUESTS },
    },
    { name: 'rolling restart of four replicas: restarts', value: rolling.restarts, unit: '' },
    none('rolling restart of four replicas: failed', rolling.failures),
    none('rolling restart of four replicas: POSTs that ran twice', rolling.doubled),
    ...[false, true].flatMap((first): Figure[] => {
      const these = killed.filter(({ stoppedFirst }) => stoppedFirst === first);
      const total = (of: (one: Kill) => number): number => these.reduce((all, one) => all + of(one), 0);
      const name = `kill -9 of one of two replicas${first ? ', stopped before' : ''}, ${these.length} times`;
      const inFlight = total((one) => one.inFlight);
      const failed = { name: `${name}: failed`, value: total(({ failures }) => failures), unit: '' };
      return [
        { name: `${name}: under way on it, as last asked`, value: inFlight, unit: '' },
        first ? { ...failed, goal: { atMost: inFlight } } : failed,
      ];
    }),
    none(`${kill}: failed that could be repeated, or otherwise than AGENT_LOST`, other),
    none(
      `${kill}: failed that began later than 100 ms after it`,
      sum(({ failed, killedAt }) => failed.filter(({ beganAt }) => beganAt > killedAt + 100).length),
    ),
    none(`${kill}: POSTs that ran twice`, Math.max(...killed.map(({ doubled }) => doubled))),
    {
      name: 'SIGSTOP of the only agent: first 50x, longest',
      value: Math.max(...stopped.map(({ firstFailureMs }) => firstFailureMs)) / 1000,
      unit: 's',
      goal: { atMost: (PING.intervalMs + PING.timeoutMs) / 1000 + 1 },
    },
    {
      name: 'SIGSTOP of the only agent: first 50x, shortest',
      value: Math.min(...stopped.map(({ firstFailureMs }) => firstFailureMs)) / 1000,
      unit: 's',
    },
  ];
}
