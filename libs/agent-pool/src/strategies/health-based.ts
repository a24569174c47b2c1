import type { Member } from '../member.js';
import type { PoolConnection } from '../pool-connection.js';
import type { Candidates, Strategy } from './strategy.js';

/** Error rates count in steps of this: what differs by less takes turns. */
const RATE_STEP = 0.05;

/**
 * The one with the lowest error rate of the last seconds (checklist C2), degraded
 * ones after all others; of equals the one with the fewest exchanges.
 */
export class HealthBased implements Strategy {
  private turn = 0;

  pick<C extends PoolConnection>(candidates: Candidates<C>): Member<C> | undefined {
    const { size } = candidates;
    let index = this.turn;
    const now = candidates.now();
    let best: Member<C> | undefined;
    let least = Infinity;
    for (let step = 0; step < size; step += 1) {
      index = index + 1 < size ? index + 1 : 0;
      const member = candidates.at(index);
      if (member === undefined) continue;
      const rate = Math.floor(member.recent.errorRate(now) / RATE_STEP);
      const grade = member.health.state === 'degraded' ? rate + 1 / RATE_STEP : rate;
      if (best !== undefined && (grade > least || (grade === least && member.inFlight >= best.inFlight))) continue;
      best = member;
      least = grade;
      this.turn = index;
    }
    return best;
  }
}
