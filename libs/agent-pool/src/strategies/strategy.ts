import type { Member } from '../member.js';
import type { PoolConnection } from '../pool-connection.js';

/** The members of a pool during one pick. */
export interface Candidates<C extends PoolConnection> {
  /** members, whether they can be picked or not */
  readonly size: number;
  /** The member at an index, when it can take an exchange now. To be asked once per index and pick. */
  at(index: number): Member<C> | undefined;
  /** monotonic ms; reads the clock */
  now(): number;
}

/**
 * How a pool picks. An instance belongs to one pool and may remember its last
 * turn. `pick` allocates nothing.
 */
export interface Strategy {
  /** @returns undefined when no candidate can take an exchange */
  pick<C extends PoolConnection>(candidates: Candidates<C>): Member<C> | undefined;
}
