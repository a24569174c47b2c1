import type { AgentConnection } from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import { IdPatterns } from '@berth/exchange';
import { addressGroup } from '@berth/node-runtime';
import type { Entry } from './registry-entry.js';

export interface RegistrationLimitOptions {
  /** exact ids and patterns with `*`; empty: all */
  allowedAgentIds: readonly string[];
  /** 0: no limit */
  maxAgents: number;
  /** 0: no limit */
  maxAgentsPerAddress: number;
}

/** Who may register at all, and how many agents there may be (checklist C17). */
export class RegistrationLimits {
  private allowed = new IdPatterns<true>([]);
  /** of which `allowed` was made */
  private patterns: readonly string[] | undefined;

  /** @param options read at each registration */
  constructor(private readonly options: RegistrationLimitOptions) {}

  /** @throws BerthError `BERTH_AGENT_NOT_ALLOWED` */
  checkId(agentId: string): void {
    const { allowedAgentIds } = this.options;
    if (this.patterns !== allowedAgentIds) {
      this.patterns = allowedAgentIds;
      this.allowed = new IdPatterns(allowedAgentIds.map((pattern) => [pattern, true]));
    }
    if (allowedAgentIds.length === 0 || this.allowed.find(agentId) === true) return;
    throw new BerthError('BERTH_AGENT_NOT_ALLOWED', `agent id ${agentId} may not register (tunnel.allowedAgentIds)`);
  }

  /**
   * Whether there is room for the connection's agent beside all others. Those that are away, and whose port is held, do not count.
   *
   * @throws BerthError `BERTH_TOO_MANY_AGENTS`
   */
  checkRoom({ agentId, origin }: AgentConnection, entries: Iterable<Entry>): void {
    const { maxAgents, maxAgentsPerAddress } = this.options;
    if (maxAgents === 0 && maxAgentsPerAddress === 0) return;
    const address = groupOf(origin.remoteAddress);
    let agents = 0;
    let ofAddress = 0;
    for (const { agent, arriving, address: its } of entries) {
      if (agent.id === agentId || (!agent.connected && arriving === 0)) continue;
      agents += 1;
      if (its === address) ofAddress += 1;
    }
    if (maxAgents > 0 && agents >= maxAgents) {
      throw new BerthError('BERTH_TOO_MANY_AGENTS', `there are ${agents} agents already (tunnel.maxAgents)`);
    }
    if (maxAgentsPerAddress > 0 && ofAddress >= maxAgentsPerAddress) {
      const what = `${address} has ${ofAddress} agents already (tunnel.maxAgentsPerAddress)`;
      throw new BerthError('BERTH_TOO_MANY_AGENTS', what);
    }
  }
}

/** Whose an address with a port is: one IPv4 address, or one /64 network with IPv6. */
export function groupOf(remoteAddress: string): string {
  return addressGroup(remoteAddress.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''));
}
