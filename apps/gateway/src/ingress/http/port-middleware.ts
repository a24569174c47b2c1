import { DiscoveryService } from '@nestjs/core';
import type { PortMiddleware } from '@berth/http-server-pool';
import type { Log } from '@berth/observability';
import type { ChosenAgent } from '../marked-providers.js';

/**
 * Middleware of Express on the ports of agents: `use` is what most of npm
 * exports. It may look at a request, set headers of the answer, or answer by
 * itself; the body belongs to the local service and must not be read here.
 * Upgrades do not pass it.
 */
export interface AgentPortMiddleware extends PortMiddleware {
  /** Whether the agent's port runs it; asked when the port opens. Default: every one. */
  appliesTo?(agent: ChosenAgent): boolean;
}

/** Marks a provider as {@link AgentPortMiddleware}; `order` sorts, lower first, 0 unless given. */
export const UseOnAgentPorts = DiscoveryService.createDecorator<{ order?: number }>();

/** A choice that fails counts as yes: what guards a port must not be left out by an error. */
export function isMeant(middleware: AgentPortMiddleware, chosen: ChosenAgent, log: Log): boolean {
  try {
    return middleware.appliesTo?.(chosen) ?? true;
  } catch (thrown) {
    log.error({ agentId: chosen.id, err: thrown }, 'a middleware could not tell whether it is for this agent: it runs');
    return true;
  }
}
