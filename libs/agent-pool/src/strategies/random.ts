import type { Member } from '../member.js';
import type { PoolConnection } from '../pool-connection.js';
import type { Candidates, Strategy } from './strategy.js';

/** Any of them, each as likely as the next (checklist C2). */
export class Random implements Strategy {
  /** @param random 0 … 1 without 1 */
  constructor(private readonly random: () => number) {}

  pick<C extends PoolConnection>(candidates: Candidates<C>): Member<C> | undefined {
    const { size } = candidates;
    let chosen: Member<C> | undefined;
    let seen = 0;
    // Usually the first draw can be picked; else a fair draw among the others, without a list of them.
    const first = Math.floor(this.random() * size);
    const member = candidates.at(first);
    if (member !== undefined) return member;
    for (let index = 0; index < size; index += 1) {
      const other = index === first ? undefined : candidates.at(index);
      if (other === undefined) continue;
      seen += 1;
      if (this.random() * seen < 1) chosen = other;
    }
    return chosen;
  }
}
