import { setTimeout as sleep } from 'node:timers/promises';
import { median, short } from '../lib/numbers.js';
import { Replicas, SETTLE_MS } from '../lib/replicas.js';
import type { Context, Figure } from '../lib/scenario.js';
import type { ClientAnswer } from '../programs/replica-client.js';

const REPLICAS = 4;
/** Few enough to leave the machine some rest: what it lacks, replicas do not get evenly. */
const CLIENTS = 16;
const STRATEGIES = ['leastLoaded', 'roundRobin'] as const;
/** Until a service answers, ms: all alike, then the last ten times slower. */
const LOADS = { alike: [8, 8, 8, 8], oneSlow: [8, 8, 8, 80] } as const;

type Strategy = (typeof STRATEGIES)[number];

export interface Share extends ClientAnswer {
  readonly strategy: Strategy;
  readonly load: keyof typeof LOADS;
  readonly round: number;
  /** requests that each replica got */
  readonly shares: readonly number[];
}

/** How evenly four replicas share the requests, and what one that is slow gets. */
export async function measureShares({ processes, directory, quick, progress }: Context): Promise<Share[]> {
  const [rounds, seconds] = quick ? [1, 3] : [3, 10];
  const found: Share[] = [];
  for (const strategy of STRATEGIES) {
    const settings = { 'tunnel-pool-strategy': strategy };
    const replicas = await Replicas.start(processes, directory, { count: REPLICAS, settings });
    await replicas.services({ delaysMs: LOADS.alike });
    await replicas.load(CLIENTS, quick ? 2 : 5);
    await sleep(quick ? 0 : SETTLE_MS);
    // A replica that was slow is remembered as such for a while: so it is slow to the end.
    for (const load of ['alike', 'oneSlow'] as const) {
      await replicas.services({ delaysMs: LOADS[load] });
      await replicas.load(CLIENTS, 2);
      for (let round = 1; round <= rounds; round += 1) {
        await replicas.services();
        const answer = await replicas.load(CLIENTS, seconds);
        const { asked } = await replicas.services();
        found.push({ strategy, load, round, shares: asked, ...answer });
        const times = `p99 ${short(answer.p99Ms)} ms, ${short(answer.requestsPerSecond)}/s`;
        progress(`${strategy}, ${load}, round ${round}/${rounds}: ${asked.join(' ')}; ${times}`);
      }
    }
    await replicas.stop();
  }
  return found;
}

export function shareFigures(all: readonly Share[]): Figure[] {
  const of = (strategy: Strategy, load: keyof typeof LOADS, value: (share: Share) => number): number =>
    median(all.filter((it) => it.strategy === strategy && it.load === load).map(value));
  const even = ({ shares }: Share): number => Math.max(...shares) / Math.min(...shares);
  const slowPart = ({ shares }: Share): number => (shares.at(-1) ?? NaN) / Math.min(...shares.slice(0, -1));
  const p99 = ({ p99Ms }: Share): number => p99Ms;
  const rate = ({ requestsPerSecond }: Share): number => requestsPerSecond;
  const slow = 'four replicas, one 10 times slower';
  return [
    ...STRATEGIES.map((strategy): Figure => {
      const value = of(strategy, 'alike', even);
      return { name: `four replicas alike, ${strategy}: most / least`, value, unit: '', goal: { atMost: 1.1 } };
    }),
    {
      name: `${slow}, leastLoaded: its part of a fast one's`,
      value: of('leastLoaded', 'oneSlow', slowPart),
      unit: '',
      goal: { atMost: 0.2 },
    },
    { name: `${slow}, roundRobin: its part of a fast one's`, value: of('roundRobin', 'oneSlow', slowPart), unit: '' },
    ...STRATEGIES.flatMap((strategy): Figure[] => [
      { name: `${slow}, ${strategy}: p99`, value: of(strategy, 'oneSlow', p99), unit: 'ms' },
      { name: `${slow}, ${strategy}: requests`, value: of(strategy, 'oneSlow', rate), unit: '/s' },
    ]),
    {
      name: `${slow}: p99 with leastLoaded`,
      value: of('leastLoaded', 'oneSlow', p99) / of('roundRobin', 'oneSlow', p99),
      unit: '× roundRobin',
    },
  ];
}
