import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startBerth } from './berth.js';
import { selfTimes, selfTimeTable, type SelfTime } from './cpu-profile.js';
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
): Promise<Record<string, SelfTime[]>> {
  const profiles = join(directory, 'profiles', title.replaceAll(' ', '-'));
  mkdirSync(profiles, { recursive: true });
  const berth = await startBerth(processes, directory, target, ['--cpu-prof', `--cpu-prof-dir=${profiles}`]);
  const pids = { gateway: berth.gateway.pid, agent: berth.agent.pid };

  progress(`profile of ${title}`);
  await warmUp(berth.port);
  const from = monotonicMicros();
  await load(berth.port);
  const to = monotonicMicros();
  // The profile is written on the way out.
  await berth.agent.stop();
  await berth.gateway.stop();

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
