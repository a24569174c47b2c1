import { type Berth, gatewayPorts, startAgent, startGateway } from './berth.js';
import { startOrigin } from './nginx.js';
import { median, short } from './numbers.js';
import { cpuMicros } from './proc-stats.js';
import type { Running } from './processes.js';
import type { Context } from './scenario.js';
import { table } from './table.js';
import { wrk, type WrkResult } from './wrk.js';

/** Of small GETs over kept connections to one gateway, whose settings are another kind each time. */
export interface KindPoint<K extends string> extends WrkResult {
  readonly kind: K;
  readonly round: number;
  /** of gateway, agent and what is beside them */
  readonly cpuMicrosPerRequest: number;
}

export interface KindPlan<K extends string> {
  readonly kinds: readonly K[];
  readonly connections: number;
  readonly rounds: number;
  readonly seconds: number;
  /** further processes whose CPU counts */
  readonly beside?: readonly number[];
  /** Changes the gateway while it serves. @param admin its admin port */
  set: (kind: K, admin: number, gateway: Running) => Promise<void>;
}

/** Measures all kinds in turn, round by round; a round before the first warms up. */
export async function measureKinds<K extends string>(
  { processes, directory, progress }: Context,
  { kinds, connections, rounds, seconds, set, beside = [] }: KindPlan<K>,
): Promise<KindPoint<K>[]> {
  const origin = await startOrigin(processes, directory);
  const ports = await gatewayPorts();
  const gateway = await startGateway(processes, directory, ports);
  const { agent, port } = await startAgent(processes, {
    cwd: directory,
    httpPort: ports.http,
    dial: ports.grpc,
    target: origin.port,
  });
  const counted = [gateway.pid, agent.pid, ...beside];
  const cpu = (): number => counted.reduce((sum, pid) => sum + cpuMicros(pid), 0);

  progress('warming up');
  const points: KindPoint<K>[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    for (const kind of kinds) {
      await set(kind, ports.http, gateway);
      const before = cpu();
      const result = await wrk(processes, port, connections, seconds);
      if (round === 0) continue;
      points.push({ ...result, kind, round, cpuMicrosPerRequest: (cpu() - before) / result.requests });
      progress(`round ${round}/${rounds}, ${kind}: ${short(result.requestsPerSecond)}/s`);
    }
  }
  await agent.stop();
  await gateway.stop();
  return points;
}

export interface FreshPlan<K extends string> extends Omit<KindPlan<K>, 'set' | 'beside'> {
  /** @param origin what the agent forwards to */
  start: (kind: K, origin: number) => Promise<Berth>;
}

/**
 * The same for what is settled at start: each measurement has programs of its
 * own, so that what one of them comes to by chance (code, heap) is none of its kind's.
 */
export async function measureFresh<K extends string>(
  { processes, directory, progress }: Context,
  { kinds, connections, rounds, seconds, start }: FreshPlan<K>,
): Promise<KindPoint<K>[]> {
  const origin = await startOrigin(processes, directory);
  const points: KindPoint<K>[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    // Who comes first is another one each time.
    for (const kind of kinds.map((_, i) => kinds[(i + round) % kinds.length] as K)) {
      const { agent, gateway, port } = await start(kind, origin.port);
      const cpu = (): number => cpuMicros(gateway.pid) + cpuMicros(agent.pid);
      await wrk(processes, port, connections, 2);
      const before = cpu();
      const result = await wrk(processes, port, connections, seconds);
      points.push({ ...result, kind, round, cpuMicrosPerRequest: (cpu() - before) / result.requests });
      progress(`round ${round}/${rounds}, ${kind}: ${short(result.requestsPerSecond)}/s`);
      await agent.stop();
      await gateway.stop();
    }
  }
  return points;
}

/** CPU per request of one kind against another, round by round: what else the machine does meets both. */
export function ratioOf<K extends string>(points: readonly KindPoint<K>[], kind: K, to: K): number {
  const costs = (which: K): number[] =>
    points.filter((point) => point.kind === which).map(({ cpuMicrosPerRequest }) => cpuMicrosPerRequest);
  const base = costs(to);
  return median(costs(kind).map((cost, i) => cost / (base[i] ?? NaN)));
}

/** Median of a kind over its rounds. */
export function ofKind<K extends string>(
  points: readonly KindPoint<K>[],
  kind: K,
  key: 'requestsPerSecond' | 'p50Micros' | 'cpuMicrosPerRequest',
): number {
  return median(points.filter((point) => point.kind === kind).map((point) => point[key]));
}

/** @param title of the column of kinds */
export function kindTable<K extends string>(
  title: string,
  kinds: readonly K[],
  points: readonly KindPoint<K>[],
): string {
  const keys = ['requestsPerSecond', 'p50Micros', 'cpuMicrosPerRequest'] as const;
  const rows = kinds.map((kind) => [kind, ...keys.map((key) => short(ofKind(points, kind, key)))]);
  return table([title, 'requests/s', 'p50 µs', 'CPU µs/request'], rows);
}
