import type { Member } from '../member.js';
import type { PoolConnection } from '../pool-connection.js';
import type { Candidates, Strategy } from './strategy.js';

/** With more members than this two are drawn and compared instead of all. */
const COMPARE_ALL_UP_TO = 8;
/** Part of another's load below which a member is preferred; what is closer takes turns. */
const CLEARLY_LESS = 0.8;
/** Added to each latency, ms: below it differences say more about the machine than about the members. */
const FLOOR_MS = 1;

/**
 * The one with the least load: its latency (peak-EWMA, {@link PeakLatency})
 * times the exchanges it would have with this one. So a slow replica gets less,
 * and one that stands still gets no more than it has under way when that shows.
 * Of many, two are drawn and the better one is taken, which costs the same for
 * any number and does not send everybody to the same one.
 */
export class LeastLoaded implements Strategy {
  private turn = 0;

  /** @param random 0 … 1 without 1 */
  constructor(private readonly random: () => number) {}

  pick<C extends PoolConnection>(candidates: Candidates<C>): Member<C> | undefined {
    const now = candidates.now();
    if (candidates.size > COMPARE_ALL_UP_TO) {
      const better = this.betterOfTwo(candidates, now);
      if (better !== undefined) return better;
    }
    return this.bestOfAll(candidates, now);
  }

  private betterOfTwo<C extends PoolConnection>(candidates: Candidates<C>, now: number): Member<C> | undefined {
    const { size } = candidates;
    const one = Math.floor(this.random() * size);
    // Of the others, so that it is never the same one.
    const other = (one + 1 + Math.floor(this.random() * (size - 1))) % size;
    const a = candidates.at(one);
    const b = candidates.at(other);
    if (a === undefined || b === undefined) return a ?? b;
    return load(b, now) < load(a, now) ? b : a;
  }

  private bestOfAll<C extends PoolConnection>(candidates: Candidates<C>, now: number): Member<C> | undefined {
    const { size } = candidates;
    let index = this.turn;
    let best: Member<C> | undefined;
    let least = Infinity;
    for (let step = 0; step < size; step += 1) {
      index = index + 1 < size ? index + 1 : 0;
      const member = candidates.at(index);
      if (member === undefined) continue;
      const its = load(member, now);
      if (its >= least * CLEARLY_LESS) continue;
      best = member;
      least = its;
      this.turn = index;
    }
    return best;
  }
}

function load({ latency, inFlight, health }: Member<PoolConnection>, now: number): number {
  const cost = (latency.valueAt(now, inFlight > 0) + FLOOR_MS) * (inFlight + 1);
  return health.state === 'degraded' ? 2 * cost : cost;
}
