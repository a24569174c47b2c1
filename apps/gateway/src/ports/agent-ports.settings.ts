import { checkHost, checkOrigins, type Frozen, Integer, isPort, List, MAX_MS, Ports, Text, Texts } from '@berth/config';
import { AGENT_ID_RULE, isAgentId, isServiceName, SERVICE_NAME_RULE } from '@berth/exchange';
import { registerAs } from '@nestjs/config';
import { checkRanges, checkRangesByAgent } from './port-ranges.js';

/** Agent id, or agent id/service → port: names well formed, ports in 1..65535, no port twice. */
function checkStaticPorts(value: Record<string, unknown>): string | undefined {
  const owners = new Map<unknown, string>();
  for (const [id, port] of Object.entries(value)) {
    if (id === '') return 'agent id "": must not be empty';
    const [agentId = '', service, ...more] = id.split('/');
    if (!isAgentId(agentId) || more.length > 0) return `agent id "${id}": must be ${AGENT_ID_RULE}`;
    if (service !== undefined && !isServiceName(service)) {
      return `"${id}": the local service must be ${SERVICE_NAME_RULE}`;
    }
    if (!isPort(port)) return `the port of agent "${id}" must be a whole number from 1 to 65535`;
    const owner = owners.get(port);
    if (owner !== undefined) return `port ${String(port)} is given to both "${owner}" and "${id}"`;
    owners.set(port, id);
  }
  return undefined;
}

export class AgentPortsSettings {
  @Text({ check: checkHost, description: "Address of the agents' HTTP ports." })
  host = '0.0.0.0';

  @Text({
    check: (value: string) => (value === '' ? undefined : checkHost(value)),
    description: 'Host shown to people in addresses of agents; empty: the one that the agent dialled.',
  })
  publicHost = '';

  @Ports({
    check: checkStaticPorts,
    description: 'Ports that belong to certain agents: agent id and port, or agent id/service and port.',
  })
  static: Record<string, number> = {};

  @List({
    check: checkRanges,
    description:
      'Further ranges, such as `9100-9199`, from which agents are given ports when http.agentPortRange is used up.',
  })
  ranges: string[] = [];

  @Texts({
    check: checkRangesByAgent,
    description:
      'Ranges for certain agents, which get ports from there alone: ids, exact or with `*` for any characters, with a range each, or several with spaces between them. An exact id goes first, then the first pattern that fits.',
  })
  rangesByAgent: Record<string, string> = {};

  @List({
    check: checkRanges,
    description: 'Ports, and ranges of them, that an agent may ask for by number, in the ranges or out of them.',
  })
  requestable: string[] = [];

  @Integer(0, MAX_MS, {
    description: 'Time a port keeps listening, and answers 503, after its agent left; 0: it stops at once.',
  })
  holdMs = 0;

  @Integer(0, MAX_MS, { description: 'Time that requests under way get when an agent server stops.' })
  stopGraceMs = 5000;

  @Integer(0, MAX_MS, {
    description:
      'How often each server of the gateway, that of the admin port included, is asked for a sign of life; three without an answer restart it. 0: never.',
  })
  checkIntervalMs = 10_000;

  @Integer(0, 100, {
    description:
      'Attempts to restart an agent server that ended by itself or no longer answers, on its port: at once, after 0.1 s, 0.2 s, 0.4 s …; then its agent is told, and comes back to another port. 0: it is told at once.',
  })
  restartAttempts = 5;

  @Integer(1, 100, {
    description: 'Ports tried in all when one cannot be bound; those that other programs hold do not count.',
    live: true,
  })
  bindAttempts = 3;

  @Integer(0, MAX_MS, {
    description: 'Time that a port which another program was found to hold is passed over while others are free.',
  })
  foreignMs = 60_000;

  @List({
    live: true,
    check: checkOrigins,
    description:
      "Origins allowed by CORS on all agents' ports, as `cors.origins` of a policy; `*` means all, none means that CORS is the local services' own.",
  })
  corsOrigins: string[] = [];

  @Integer(0, 1_000_000, {
    description:
      'Client connections that one agent port takes at a time; further ones get 503. 0: seven eighths of maxTotalConnections, 32768 at most.',
    live: true,
  })
  maxConnections = 0;

  @Integer(0, 1_000_000, {
    description:
      'Client connections, each with one exchange at a time, that one address (IPv6: one /64 network) may have on an agent port; further ones get 503. 0: seven eighths of maxConnections, 16384 at most.',
    live: true,
  })
  maxConnectionsPerAddress = 0;

  @Integer(0, 10_000_000, {
    description:
      'Client connections of all agent ports together; further ones get 503. 0: as many as descriptors and memory of the process allow beside agents and the admin port.',
    live: true,
  })
  maxTotalConnections = 0;
}

export const agentPortsConfig = registerAs(
  'berth.agentPorts',
  (): Frozen<AgentPortsSettings> => new AgentPortsSettings(),
);
