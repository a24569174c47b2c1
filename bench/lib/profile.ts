import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startBerth, type Scheme } from './berth.js';
import { selfTimes, selfTimeTable, type SelfTime } from './cpu-profile.js';
import type { Running } from './processes.js';
import type { Context } from './scenario.js';

const PLACES = 25;

const monotonicMicros = (): number => Number(process.hrtime.bigint() / 1000n);

/**
 * Runs a gateway and an agent with V8's profiler under a load and prints where
 * they spend their time. What comes before `load` is not counted.
 */
export async function profileBothEnds(
  { processes, directory, progress }: Context,
  title: string,
  target: number,
  warmUp: (port: number) => Promise<unknown>,
  load: (port: number) => Promise<unknown>,
  scheme: Scheme = 'http',
): Promise<Record<string, SelfTime[]>> {
  const profiles = join(directory, 'profiles', title.replaceAll(' ', '-'));
  mkdirSync(profiles, { recursive: true });
  const berth = await startBerth(processes, directory, target, ['--cpu-prof', `--cpu-prof-dir=${profiles}`], scheme);
  const pids = { gateway: berth.gateway.pid, agent: berth.agent.pid };

  progress(`profile of ${title}`);
  await warmUp(berth.port);
  const from = monotonicMicros();
  await load(berth.port);
  const to = monotonicMicros();
  // The profile is written on the way out.
  await berth.agent.stop();
  await berth.gateway.stop();

  return report(profiles, title, pids, from, to);
}

/** Prints and returns where processes that have ended, by name and pid, spent their time between two moments. */
function report(
  profiles: string,
  title: string,
  pids: Readonly<Record<string, number>>,
  from: number,
  to: number,
): Record<string, SelfTime[]> {
  const files = readdirSync(profiles);
  const result: Record<string, SelfTime[]> = {};
  for (const [end, pid] of Object.entries(pids)) {
    const file = files.find((name) => name.endsWith('.cpuprofile') && name.split('.').includes(String(pid)));
    if (file === undefined) throw new Error(`${end} left no profile; it must end by itself on SIGTERM`);
    const times = selfTimes(join(profiles, file), from, to, PLACES);
    result[end] = times;
    console.log(`\n${end}, ${title}\n${selfTimeTable(times)}\n`);
  }
  return result;
}

/**
 * The same for helpers of a scenario.
 *
 * @param start starts them with the flags it is given; by their names
 * @param load what is counted; warm up before, within `start`
 */
export async function profileHelpers(
  { directory, progress }: Context,
  title: string,
  start: (nodeFlags: readonly string[]) => Promise<Readonly<Record<string, Running>>>,
  load: () => Promise<unknown>,
): Promise<Record<string, SelfTime[]>> {
  const profiles = join(directory, 'profiles', title.replaceAll(' ', '-'));
  mkdirSync(profiles, { recursive: true });
  progress(`profile of ${title}`);
  const helpers = await start(['--cpu-prof', `--cpu-prof-dir=${profiles}`]);
  const pids = Object.fromEntries(Object.entries(helpers).map(([name, { pid }]) => [name, pid]));
  const from = monotonicMicros();
  await load();
  const to = monotonicMicros();
  for (const helper of Object.values(helpers)) await helper.stop();
  return report(profiles, title, pids, from, to);
}
