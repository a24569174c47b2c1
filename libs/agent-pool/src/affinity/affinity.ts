import type { AgentPool } from '../agent-pool.js';
import type { Member } from '../member.js';
import type { PoolConnection } from '../pool-connection.js';
import type { Replica } from '../replica.js';
import { hashOf, preference } from './rendezvous.js';

/**
 * The replica that a key belongs to, such as the client's address: nothing is
 * remembered, and one that comes or goes moves only its own keys (rendezvous
 * hashing). undefined when there is none.
 */
export function ownerOf<C extends PoolConnection>(pool: AgentPool<C>, key: string): Replica | undefined {
  return preferred(pool, key, isThere);
}

/** The same among those that can take an exchange now. */
export function replicaFor<C extends PoolConnection>(pool: AgentPool<C>, key: string): Replica | undefined {
  return preferred(pool, key, canTake);
}

/** Whether a replica is fit; it may be full. */
export function isFit<C extends PoolConnection>(pool: AgentPool<C>, replica: Replica): boolean {
  return pool.members.some((member) => member.replica === replica && member.usable);
}

function preferred<C extends PoolConnection>(
  { members }: AgentPool<C>,
  key: string,
  counts: (member: Member<PoolConnection>) => boolean,
): Replica | undefined {
  const keyHash = hashOf(key);
  let found: Replica | undefined;
  let most = -1;
  for (const member of members) {
    const wish = preference(keyHash, member.replica.hash);
    if (wish <= most || !counts(member)) continue;
    most = wish;
    found = member.replica;
  }
  return found;
}

function isThere(): boolean {
  return true;
}

function canTake({ connection, usable, hasRoom }: Member<PoolConnection>): boolean {
  return usable && hasRoom && (connection.accepting || connection.standby);
}
