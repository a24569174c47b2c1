import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AgentConnection } from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import { IdPatterns } from '@berth/exchange';
import type { Log } from '@berth/observability';
import type { LifecycleEvents } from '../lifecycle/index.js';
import type { DuplicatePolicy } from './agents.settings.js';
import { type Entry, replaced } from './registry-entry.js';

export interface SuccessionOptions {
  /** for agents that {@link duplicateAgents} does not name */
  duplicateAgent: DuplicatePolicy;
  /** by agent ids, exact or with `*` */
  duplicateAgents: Readonly<Record<string, DuplicatePolicy>>;
  /** how long the process that holds an id may take to show that it lives, ms */
  duplicateProbeMs: number;
}

/** Two processes with one id: who has it, and how it passes on (docs/decisions/0007). */
export class Succession {
  private readonly policies: IdPatterns<DuplicatePolicy>;

  constructor(
    private readonly options: SuccessionOptions,
    private readonly events: LifecycleEvents,
    private readonly log: Log,
  ) {
    this.policies = new IdPatterns(Object.entries(options.duplicateAgents));
  }

  policyFor(agentId: string): DuplicatePolicy {
    return this.policies.find(agentId) ?? this.options.duplicateAgent;
  }

  /** Whether another process holds the id, so that it has to be asked first. */
  isContested(entry: Entry | undefined, newcomer: AgentConnection): entry is Entry {
    if (entry === undefined || this.policyFor(newcomer.agentId) !== 'probe') return false;
    return !entry.agent.isServedBy(newcomer.origin.instanceId) && isHeld(entry);
  }

  /**
   * Asks the process that holds the id whether it lives; only a silent one gives way.
   *
   * @param find the id's present entry
   * @param claim takes the id for the newcomer
   * @throws BerthError `BERTH_AGENT_EXISTS`, and what `claim` throws
   */
  async contest(find: () => Entry | undefined, newcomer: AgentConnection, claim: () => Entry): Promise<Entry> {
    let silent: string | undefined;
    for (;;) {
      const rival = find();
      // Several may have waited for the same silent process: the next one meets the first of them here.
      if (!this.isContested(rival, newcomer) || rival.agent.instanceId === silent) return claim();
      const { instanceId } = rival.agent;
      if (await holderAnswers(rival, this.options.duplicateProbeMs)) {
        throw taken(rival, 'is connected from another process, which answers (tunnel.duplicateAgent: probe)');
      }
      silent = instanceId;
    }
  }

  /**
   * The port and its server pass on to the new process; the old one is told and closed.
   *
   * @throws BerthError `BERTH_AGENT_EXISTS`
   */
  takeOver(entry: Entry, instanceId: string): void {
    const { agent } = entry;
    if (this.policyFor(agent.id) === 'reject' && isHeld(entry)) {
      throw taken(entry, 'is connected already (tunnel.duplicateAgent: reject)');
    }
    agent.instanceId = instanceId;
    // What a process that leaves still answers may run out.
    const previous = agent.connections.filter(({ leaving }) => !leaving);
    if (entry.announced) {
      entry.announced = false;
      const reason = previous.length > 0 ? 'BERTH_CONNECTION_REPLACED' : 'closed';
      this.events.emit('agent.disconnected', agent.leaving(reason));
    }
    for (const connection of previous) agent.remove(connection);
    // What an operator has drained was the process before.
    agent.setDrained(false);
    for (const connection of previous) {
      const { id: connectionId } = connection;
      this.events.emit('connection.closed', { agentId: agent.id, connectionId, reason: 'replaced' });
      this.log.warn({ agentId: agent.id, connectionId }, 'connection replaced by another process with the same id');
      connection.drain('replaced', 0, false);
      connection.close(replaced(agent));
    }
  }
}

/** One that has said it leaves holds the id no longer. */
function isHeld({ agent, arriving }: Entry): boolean {
  return arriving > 0 || agent.connections.some(({ leaving }) => !leaving);
}

async function holderAnswers({ agent, services }: Entry, deadlineMs: number): Promise<boolean> {
  // Before its Welcome an agent gets no Ping; it has it in the turn after its server listens.
  await Promise.allSettled([...services.values()].map(({ opened }) => opened));
  await nextTurn();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const asked = agent.connections.map(async (connection) => {
    if (await connection.answers(deadlineMs)) resolve(true);
  });
  void Promise.all(asked).then(() => {
    resolve(false);
  });
  return promise;
}

/** Somebody else has the id; when he has gone, it can be had. */
export function taken({ agent }: Entry, why: string): BerthError {
  return new BerthError('BERTH_AGENT_EXISTS', `agent ${agent.id} ${why}`);
}
