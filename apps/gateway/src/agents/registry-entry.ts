import type { AgentConnection } from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import type { OpenPort } from '../ports/index.js';
import type { Agent } from './agent.js';
import type { CaredAgent } from './pool-care.js';

/** What the registry keeps of an agent. */
export interface Entry extends CaredAgent {
  /** where its first connection came from: whose agents it counts among */
  address: string;
  /** settles when the server listens, or could not */
  opened: Promise<OpenPort>;
  /** runs while the agent is away and its port is held */
  holdTimer: NodeJS.Timeout | undefined;
  /** somebody was told that the agent is there */
  announced: boolean;
  /** connections that wait for the server to listen */
  arriving: number;
}

/** The entry that has been away longest of those whose port is held and could go to anybody. */
export function longestHeld(entries: Iterable<Entry>, isStatic: (agentId: string) => boolean): Entry | undefined {
  let longest: Entry | undefined;
  for (const entry of entries) {
    if (entry.holdTimer === undefined || isStatic(entry.agent.id)) continue;
    if (longest === undefined || entry.agent.lastSeenAt < longest.agent.lastSeenAt) longest = entry;
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

/** Why one more connection of a process cannot be taken; undefined when it can. */
export function tooMany(agent: Agent, instanceId: string, limits: ConnectionLimits): BerthError | undefined {
  const { id, connections, shared } = agent;
  const { maxConnectionsPerAgent, maxReplicasPerAgent } = limits;
  // One on standby has been asked to make way for the one that comes.
  const its = connections.all.filter((it) => !it.standby && (!shared || it.origin.instanceId === instanceId));
  if (its.length >= maxConnectionsPerAgent) {
    const who = shared ? `a replica of agent ${id}` : `agent ${id}`;
    return tooManyOf(`${who} has ${its.length} connections already (tunnel.maxConnectionsPerAgent)`);
  }
  const replicas = new Set(connections.all.map(({ origin }) => origin.instanceId));
  if (!shared || replicas.has(instanceId) || replicas.size < maxReplicasPerAgent) return undefined;
  return tooManyOf(`agent ${id} has ${replicas.size} replicas already (tunnel.maxReplicasPerAgent)`);
}

function tooManyOf(what: string): BerthError {
  return new BerthError('BERTH_TOO_MANY_CONNECTIONS', what);
}
