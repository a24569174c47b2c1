import type { AgentConnection } from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import type { OpenPort } from '../ports/index.js';
import type { Agent } from './agent.js';

/** What the registry keeps of an agent. */
export interface Entry {
  agent: Agent;
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

/** Why one more connection cannot be taken; undefined when it can. */
export function tooMany({ id, connections }: Agent, limit: number): BerthError | undefined {
  // One on standby has been asked to make way for the one that comes.
  const count = connections.all.filter(({ standby }) => !standby).length;
  if (count < limit) return undefined;
  return new BerthError(
    'BERTH_TOO_MANY_CONNECTIONS',
    `agent ${id} has ${count} connections already (tunnel.maxConnectionsPerAgent)`,
  );
}
