import type { AgentConnection } from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import type { OpenPort } from '../ports/index.js';
import type { Agent } from './agent.js';
import type { CaredService } from './pool-care.js';

/** What the registry keeps of an agent. */
export interface Entry {
  readonly agent: Agent;
  /** by name; each has a port, or waits for one */
  readonly services: Map<string, ServiceEntry>;
  /** where the first connection of its process came from: whose agents it counts among */
  address: string;
  /** somebody was told that the agent is there */
  announced: boolean;
  /** connections that wait for their ports */
  arriving: number;
}

/** A local service with its port, from the first wish for it to the end of its hold. */
export interface ServiceEntry extends CaredService {
  readonly entry: Entry;
  /** settles when the server listens, or could not */
  readonly opened: Promise<OpenPort>;
  /** port that was asked for; 0: any */
  readonly wish: number;
  /** runs while nobody serves it and its port is held */
  holdTimer: NodeJS.Timeout | undefined;
  /** connections that wait for the server to listen */
  arriving: number;
}

/** Of those whose port is held, the one that has been away longest and whose port is of use. */
export function longestHeld(
  held: Iterable<ServiceEntry>,
  isOfUse: (held: ServiceEntry) => boolean,
): ServiceEntry | undefined {
  let longest: ServiceEntry | undefined;
  for (const each of held) {
    if (!isOfUse(each)) continue;
    if (longest === undefined || each.entry.agent.lastSeenAt < longest.entry.agent.lastSeenAt) longest = each;
  }
  return longest;
}

export function shuttingDown(): BerthError {
  return new BerthError('BERTH_DRAINING', 'the gateway is shutting down');
}

export function replaced({ id }: Agent): BerthError {
  return new BerthError('BERTH_CONNECTION_REPLACED', `another process registered as agent ${id}`);
}

export function closedMeanwhile({ id }: AgentConnection): BerthError {
  return new BerthError('BERTH_CONNECTION_CLOSED', `connection ${id} closed before it was registered`);
}

export interface ConnectionLimits {
  /** of one process */
  maxConnectionsPerAgent: number;
  /** processes that serve one id together */
  maxReplicasPerAgent: number;
}

/**
 * Why one more connection of a process cannot be taken; undefined when it can.
 * Those on standby have been asked to make way for what comes, and those that
 * leave take nothing new: they only count among twice as many.
 */
export function tooMany(agent: Agent, instanceId: string, limits: ConnectionLimits): BerthError | undefined {
  const { id, connections, shared } = agent;
  const { maxConnectionsPerAgent, maxReplicasPerAgent } = limits;
  const its = shared ? connections.filter(({ origin }) => origin.instanceId === instanceId) : connections;
  const serving = its.filter(({ standby, leaving }) => !standby && !leaving);
  if (serving.length >= maxConnectionsPerAgent || its.length >= 2 * maxConnectionsPerAgent) {
    const who = shared ? `a replica of agent ${id}` : `agent ${id}`;
    const leaving = its.length > serving.length ? `, ${its.length - serving.length} of them about to leave` : '';
    return tooManyOf(`${who} has ${its.length} connections already${leaving} (tunnel.maxConnectionsPerAgent)`);
  }
  const replicas = new Set(connections.map(({ origin }) => origin.instanceId));
  if (!shared || replicas.has(instanceId) || replicas.size < maxReplicasPerAgent) return undefined;
  return tooManyOf(`agent ${id} has ${replicas.size} replicas already (tunnel.maxReplicasPerAgent)`);
}

function tooManyOf(what: string): BerthError {
  return new BerthError('BERTH_TOO_MANY_CONNECTIONS', what);
}
