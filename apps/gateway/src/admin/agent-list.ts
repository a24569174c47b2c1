import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { isServiceName, SERVICE_NAME_RULE } from '@berth/exchange';
import { PortAllocatorService } from '@berth/port-allocator';
import { AbsentAgents, AgentRegistry } from '../agents/index.js';
import { AGENT_STATES, type AgentListDto, type AgentState, OFFLINE } from './agent.dto.js';
import { AbsentRow, type AgentRow, type KeptPort, PresentRow } from './agent-rows.js';
import { agentIdIn, bad, ListOrder, oneOf, type Query, refuseOthers, textIn, textsIn } from './list-query.js';
import { withLists } from './long-answer.js';

/** What agents can be sorted by. */
export const AGENT_ORDER = new ListOrder<AgentRow>(
  {
    agent_id: ({ id }) => id,
    port: ({ port }) => port,
    last_seen: ({ lastSeen }) => lastSeen,
    connected_since: ({ connectedSince }) => connectedSince,
    in_flight: ({ inFlight }) => inFlight,
    requests: ({ requests }) => requests,
    errors: ({ errors }) => errors,
  },
  ({ id }) => id,
  'port',
);

const PARAMETERS = ['limit', 'cursor', 'sort', 'agent_id', 'state', 'service', 'metadata', 'include'];

type Filter = (row: AgentRow) => boolean;

/** Agents that are here and, where they are asked for, those that are away. */
@Injectable()
export class AgentList {
  constructor(
    private readonly registry: AgentRegistry,
    private readonly absent: AbsentAgents,
    private readonly ports: PortAllocatorService,
  ) {}

  /**
   * @returns the answer, or the text of a long one, which is made as it is sent
   * @throws BerthError `BERTH_BAD_REQUEST` naming the parameter
   */
  show(query: Query): AgentListDto | Readable {
    refuseOthers(query, PARAMETERS);
    const request = AGENT_ORDER.read(query);
    const states = textsIn(query, 'state').map((state) => oneOf('state', state, AGENT_STATES));
    const filters = filtersIn(query, states);
    const rows: AgentRow[] = isOnly(states, OFFLINE) ? [] : this.registry.list().map((agent) => new PresentRow(agent));
    if (states.includes(OFFLINE) || includesOffline(query)) rows.push(...this.away());
    const matching = filters.length === 0 ? rows : rows.filter((row) => filters.every((fits) => fits(row)));
    const { items, ...rest } = AGENT_ORDER.page(matching, request);
    return withLists({}, { agents: items }, rest) as AgentListDto | Readable;
  }

  /** An agent that is away. */
  absentOne(agentId: string): AbsentRow | undefined {
    const agent = this.registry.get(agentId) === undefined ? this.absent.get(agentId) : undefined;
    return agent && new AbsentRow(agent, this.kept().get(agentId) ?? []);
  }

  private away(): AbsentRow[] {
    const kept = this.kept();
    return this.absent
      .list()
      .filter(({ agentId }) => this.registry.get(agentId) === undefined)
      .map((agent) => new AbsentRow(agent, kept.get(agent.agentId) ?? []));
  }

  /** Ports by agent: those that it may come back to, and those that are held for it. */
  private kept(): Map<string, KeptPort[]> {
    return Map.groupBy<string, KeptPort>([...this.ports.list(), ...this.ports.remembered()], ({ agentId }) => agentId);
  }
}

/** @throws BerthError `BERTH_BAD_REQUEST` */
export function includesOffline(query: Query): boolean {
  return textsIn(query, 'include').map((word) => oneOf('include', word, [OFFLINE])).length > 0;
}

function filtersIn(query: Query, states: readonly AgentState[]): Filter[] {
  const filters: Filter[] = [];
  const fits = agentIdIn(query);
  if (fits !== undefined) filters.push(({ id }) => fits(id));
  const service = textIn(query, 'service');
  if (service !== undefined) {
    if (!isServiceName(service)) throw bad(`service must be ${SERVICE_NAME_RULE}`);
    filters.push(({ services }) => services.includes(service));
  }
  for (const text of textsIn(query, 'metadata')) {
    const [key = '', ...value] = text.split('=');
    if (key === '') throw bad('metadata must be a key, or a key and its value: metadata=site, metadata=site=north');
    const wanted = value.length === 0 ? undefined : value.join('=');
    const has = (of: string | undefined): boolean => (wanted === undefined ? of !== undefined : of === wanted);
    filters.push(({ metadata }) => has(Object.hasOwn(metadata, key) ? metadata[key] : undefined));
  }
  // The dearest goes last.
  if (states.length > 0 && !isOnly(states, OFFLINE)) filters.push(({ state }) => states.includes(state));
  return filters;
}

function isOnly(states: readonly AgentState[], state: AgentState): boolean {
  return states.length > 0 && states.every((each) => each === state);
}
