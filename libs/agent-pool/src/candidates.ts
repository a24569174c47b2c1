import { BerthError } from '@berth/errors';
import type { Carrier } from '@berth/exchange';
import type { Member } from './member.js';
import type { PoolConnection } from './pool-connection.js';
import type { Replica } from './replica.js';
import type { Candidates } from './strategies/index.js';

/** Why nothing can be picked; what is further back hides what is before it. */
const OBSTACLES = ['none', 'unfit', 'drained', 'paused', 'congested', 'full'] as const;
export type Obstacle = (typeof OBSTACLES)[number];

/** Which members of a pool can take an exchange now. One per pool, used again at each pick. */
export class CandidateList<C extends PoolConnection> implements Candidates<C> {
  members: readonly Member<C>[] = [];
  /** a connection that has just failed the exchange */
  except: Carrier | undefined;
  /** its replica, while others are looked for */
  exceptReplica: Replica | undefined;
  /** only connections of this replica, while it is asked for */
  replicaId: string | undefined;

  /**
   * @param lastResort whether those that are not fit may stand in
   * @param now monotonic ms
   */
  constructor(
    private readonly lastResort: boolean,
    readonly now: () => number,
  ) {}

  get size(): number {
    return this.members.length;
  }

  at(index: number): Member<C> | undefined {
    const member = this.members[index] as Member<C>;
    if (!member.usable || !member.connection.accepting || !this.isAsked(member) || !member.hasRoom) return undefined;
    const { replica } = member;
    return replica.starting && !replica.takesTurn(this.now()) ? undefined : member;
  }

  /**
   * Who serves when no other does: one whose slow start passed its turn on, then
   * one on standby, then one that is not fit (`lastResort`).
   */
  standIn(): Member<C> | undefined {
    let best: Member<C> | undefined;
    let bestRank = 0;
    for (const member of this.members) {
      if (!this.isAsked(member) || !member.hasRoom) continue;
      const rank = this.rank(member);
      if (rank < bestRank || rank === 0) continue;
      if (rank === bestRank && best !== undefined && member.inFlight >= best.inFlight) continue;
      best = member;
      bestRank = rank;
    }
    return best;
  }

  /** One that was paused and could take an exchange otherwise: who fails open uses it. */
  paused(): Member<C> | undefined {
    return this.members.find(
      (member) =>
        member.health.state === 'paused' && member.connection.accepting && this.isAsked(member) && member.hasRoom,
    );
  }

  obstacle(): Obstacle {
    let worst = 0;
    for (const member of this.members) {
      if (this.isAsked(member)) worst = Math.max(worst, OBSTACLES.indexOf(this.obstacleOf(member)));
    }
    return OBSTACLES[worst] ?? 'none';
  }

  private isAsked({ connection, replica }: Member<C>): boolean {
    if (connection === this.except || replica === this.exceptReplica) return false;
    return this.replicaId === undefined || replica.id === this.replicaId;
  }

  /** 0: not to be used. */
  private rank({ connection, usable, health }: Member<C>): number {
    const { accepting, standby } = connection;
    if (!(accepting || standby) || health.state === 'paused' || health.withheld) return 0;
    if (usable || (standby && health.state === 'draining')) return accepting ? 3 : 2;
    return this.lastResort ? 1 : 0;
  }

  private obstacleOf(member: Member<C>): Obstacle {
    const { connection, usable, health, isFull } = member;
    if (!connection.accepting && !connection.standby) return 'none';
    if (health.withheld) return 'drained';
    if (health.state === 'paused') return 'paused';
    if (!usable && !this.lastResort) return 'unfit';
    return isFull ? 'full' : 'congested';
  }
}

/** The error for an {@link Obstacle}. */
export function refusal(agentId: string, obstacle: Obstacle, inFlight: number): BerthError {
  switch (obstacle) {
    case 'full': {
      const what = `has ${inFlight} exchanges, as many as it takes (tunnel.maxExchanges or maxConcurrency at the agent)`;
      return new BerthError('BERTH_AGENT_BUSY', `agent ${agentId} ${what}`);
    }
    case 'congested': {
      const what = 'does not read what it has been sent: nothing new is begun until it does';
      return new BerthError('BERTH_AGENT_BUSY', `agent ${agentId} ${what}`);
    }
    case 'drained': {
      const what = 'is drained by an operator (POST /agents/:id/undrain ends it)';
      return new BerthError('BERTH_DRAINING', `agent ${agentId} ${what}`);
    }
    case 'paused':
      return new BerthError('BERTH_AGENT_BUSY', `agent ${agentId} has asked for a pause`);
    case 'unfit':
    case 'none':
      return new BerthError('BERTH_AGENT_UNAVAILABLE', `no healthy connections for agent ${agentId}`);
  }
}
