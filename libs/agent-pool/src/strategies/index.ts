import { HealthBased } from './health-based.js';
import { LeastInFlight } from './least-in-flight.js';
import { LeastLoaded } from './least-loaded.js';
import { Random } from './random.js';
import { RoundRobin } from './round-robin.js';
import type { Strategy } from './strategy.js';

/** Every strategy by the name that settings use. */
export const STRATEGIES = {
  leastLoaded: (random) => new LeastLoaded(random),
  leastInFlight: () => new LeastInFlight(),
  roundRobin: () => new RoundRobin(),
  healthBased: () => new HealthBased(),
  random: (random) => new Random(random),
} as const satisfies Record<string, (random: () => number) => Strategy>;

export type StrategyName = keyof typeof STRATEGIES;
export type { Candidates, Strategy } from './strategy.js';
