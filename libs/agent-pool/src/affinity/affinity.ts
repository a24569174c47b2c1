import type { Carrier } from '@berth/exchange';
import type { AgentPool } from '../agent-pool.js';
import type { Member } from '../member.js';
import type { PoolConnection } from '../pool-connection.js';
import { hashOf, preference } from './rendezvous.js';
import type { StickySessions } from './sticky-sessions.js';

/** Whether an exchange went where its session or key belongs: `moved` when that replica could not take it. */
export type Stickiness = 'kept' | 'new' | 'moved';

export interface StickyPick<C extends PoolConnection> {
  /** undefined when no connection can take the exchange: `obstacle()` of the pool says why */
  readonly member: Member<C> | undefined;
  readonly stickiness: Stickiness;
}

/**
 * Keeps a session, or all exchanges of one client, at one replica, as long as it
 * can take them (checklist C8, C9). Which of the replica's connections it is
 * stays with the pool's strategy.
 */
export class Affinity<C extends PoolConnection> {
  /** @param sessions session → replica */
  constructor(
    private readonly pool: AgentPool<C>,
    private readonly sessions: StickySessions<string>,
  ) {}

  /**
   * By a session that is remembered, such as that of a cookie. One that is not
   * known begins here; one whose replica is not fit any more belongs to the next.
   *
   * @param except a connection that has just failed this exchange
   */
  bySession(sessionId: string, except?: Carrier): StickyPick<C> {
    const replicaId = this.sessions.use(sessionId);
    if (replicaId !== undefined && this.canServe(replicaId, except)) {
      return { member: this.pool.pick(except, replicaId), stickiness: 'kept' };
    }
    const member = this.pool.pick(except);
    // One that is only full keeps its sessions.
    const isLost =
      replicaId === undefined || !this.pool.members.some(({ replica, usable }) => usable && replica.id === replicaId);
    if (member !== undefined && isLost) this.sessions.create(sessionId, member.replica.id);
    return { member, stickiness: replicaId === undefined ? 'new' : 'moved' };
  }

  /**
   * By a key that says by itself where it belongs, such as the client's address:
   * nothing is remembered, and a replica that comes or goes moves only its part.
   *
   * @param except a connection that has just failed this exchange
   */
  byKey(key: string, except?: Carrier): StickyPick<C> {
    const keyHash = hashOf(key);
    let owner: Member<C> | undefined;
    let serving: Member<C> | undefined;
    let most = -1;
    let mostServing = -1;
    for (const member of this.pool.members) {
      const wish = preference(keyHash, member.replica.hash);
      if (wish > most) {
        most = wish;
        owner = member;
      }
      if (wish > mostServing && canTake(member, except)) {
        mostServing = wish;
        serving = member;
      }
    }
    const member = this.pool.pick(except, serving?.replica.id);
    return { member, stickiness: serving === undefined || serving.replica !== owner?.replica ? 'moved' : 'kept' };
  }

  private canServe(replicaId: string, except: Carrier | undefined): boolean {
    return this.pool.members.some((member) => member.replica.id === replicaId && canTake(member, except));
  }
}

function canTake<C extends PoolConnection>(member: Member<C>, except: Carrier | undefined): boolean {
  const { connection, usable, hasRoom } = member;
  return usable && hasRoom && connection !== except && (connection.accepting || connection.standby);
}
