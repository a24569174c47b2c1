import type { Member } from '../member.js';
import type { PoolConnection } from '../pool-connection.js';
import type { Candidates, Strategy } from './strategy.js';

/** One after the other (checklist C2). */
export class RoundRobin implements Strategy {
  private last = -1;

  pick<C extends PoolConnection>(candidates: Candidates<C>): Member<C> | undefined {
    const { size } = candidates;
    for (let step = 1; step <= size; step += 1) {
      const index = (this.last + step) % size;
      const member = candidates.at(index);
      if (member === undefined) continue;
      this.last = index;
      return member;
    }
    return undefined;
  }
}
