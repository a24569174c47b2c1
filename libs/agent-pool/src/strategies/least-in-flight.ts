import type { Member } from '../member.js';
import type { PoolConnection } from '../pool-connection.js';
import type { Candidates, Strategy } from './strategy.js';

/** The one with the fewest exchanges under way; equals take turns (checklist C2). */
export class LeastInFlight implements Strategy {
  private turn = 0;

  pick<C extends PoolConnection>(candidates: Candidates<C>): Member<C> | undefined {
    const { size } = candidates;
    let index = this.turn;
    let best: Member<C> | undefined;
    for (let step = 0; step < size; step += 1) {
      index = index + 1 < size ? index + 1 : 0;
      const member = candidates.at(index);
      if (member === undefined || (best !== undefined && member.inFlight >= best.inFlight)) continue;
      best = member;
      this.turn = index;
    }
    return best;
  }
}
