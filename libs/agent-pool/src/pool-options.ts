import { HEALTH_DEFAULTS, type HealthChange, type HealthOptions } from './health/connection-health.js';
import type { Member } from './member.js';
import type { PoolConnection } from './pool-connection.js';
import type { StrategyName } from './strategies/index.js';

export interface PoolOptions<C extends PoolConnection> {
  strategy: StrategyName;
  /** a replica that comes to others takes a growing part of its turns for so long, ms; 0: all at once */
  slowStartMs: number;
  /** whether connections that are not fit are used when no other is there; paused ones never are */
  lastResort: boolean;
  health: Readonly<HealthOptions>;
  /** whether an answer with this status counts as a failure of its replica, such as a 5xx */
  isFault: (status: number) => boolean;
  /** told once of each change of a connection's health */
  onHealth: (member: Member<C>, change: HealthChange) => void;
  /** monotonic ms */
  now: () => number;
  /** 0 … 1 without 1 */
  random: () => number;
}

/** For whatever was not said. */
export const POOL_DEFAULTS: PoolOptions<PoolConnection> = {
  strategy: 'leastLoaded',
  slowStartMs: 10_000,
  lastResort: true,
  health: HEALTH_DEFAULTS,
  isFault: () => false,
  onHealth: () => undefined,
  now: () => performance.now(),
  random: Math.random,
};
