import type { AgentPool } from './agent-pool.js';
import type { HealthState } from './health/connection-health.js';
import type { Member } from './member.js';
import type { PoolConnection } from './pool-connection.js';

/** What was done, of a connection, a replica or an agent (checklist C14). */
export interface Figures {
  readonly inFlight: number;
  readonly requests: number;
  /** of them failed by the fault of the agent's side */
  readonly errors: number;
  /** errors / requests; 0 when there were none */
  readonly errorRate: number;
}

export interface ConnectionFigures extends Figures {
  readonly id: string;
  readonly replicaId: string;
  readonly state: HealthState;
  /** for people; empty when all is well */
  readonly reason: string;
  /** monotonic ms of the last change of state */
  readonly since: number;
  /** exchanges that it takes at once */
  readonly capacity: number;
}

export interface GroupFigures extends Figures {
  readonly id: string;
  readonly activeConnections: number;
  readonly healthyConnections: number;
  /** has a connection that is healthy or degraded */
  readonly isHealthy: boolean;
}

export interface AgentFigures extends GroupFigures {
  readonly replicas: readonly GroupFigures[];
  readonly connections: readonly ConnectionFigures[];
}

/**
 * The figures of a pool as they are now. What is in flight is asked of the
 * connections, never counted here, so that nothing can be left over. Requests and
 * errors of the agent include those on connections that have gone.
 */
export function figuresOf<C extends PoolConnection>({ agentId, members, gone }: AgentPool<C>): AgentFigures {
  const replicas = Map.groupBy(members, ({ replica }) => replica.id);
  return {
    ...groupFigures(agentId, members, gone),
    replicas: [...replicas].map(([id, its]) => groupFigures(id, its)),
    connections: members.map(connectionFigures),
  };
}

function groupFigures<C extends PoolConnection>(
  id: string,
  members: readonly Member<C>[],
  gone = { requests: 0, errors: 0 },
): GroupFigures {
  let { requests, errors } = gone;
  let inFlight = 0;
  for (const member of members) {
    inFlight += member.inFlight;
    requests += member.requests;
    errors += member.errors;
  }
  const healthyConnections = members.filter(({ usable }) => usable).length;
  const connections = { activeConnections: members.length, healthyConnections, isHealthy: healthyConnections > 0 };
  return { id, ...connections, inFlight, requests, errors, errorRate: errorRate(errors, requests) };
}

function connectionFigures<C extends PoolConnection>(member: Member<C>): ConnectionFigures {
  const { connection, replica, health, inFlight, requests, errors } = member;
  return {
    id: connection.id,
    replicaId: replica.id,
    state: health.state,
    reason: health.reason,
    since: health.since,
    capacity: connection.capacity,
    inFlight,
    requests,
    errors,
    errorRate: errorRate(errors, requests),
  };
}

/** Part of the requests that failed; 0 when there were none. */
export function errorRate(errors: number, requests: number): number {
  return requests === 0 ? 0 : errors / requests;
}
