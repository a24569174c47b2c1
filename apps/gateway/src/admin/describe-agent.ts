import { type AgentConnection, errorRate, type Member } from '@berth/agent-pool';
import { type Agent, type LocalService, wallTime } from '../agents/index.js';
import {
  type AgentDetailDto,
  type AgentDto,
  type ConnectionDto,
  type FiguresDto,
  type ReplicaDto,
  type ServiceDto,
  type StateDto,
  STATES,
} from './agent.dto.js';

type Health = Member<AgentConnection>['health'];

const NOTHING_YET = { state: 'connecting', reason: '', since: 0 } as const;

const iso = (ms: number): string => new Date(ms).toISOString();

/** The fields alone: what is spread must not look like an instance. */
export type AgentFields = Pick<AgentDto, keyof AgentDto>;
type StateFields = Pick<StateDto, keyof StateDto>;
type FigureFields = Omit<Pick<FiguresDto, keyof FiguresDto>, keyof StateDto>;

export function describeAgent(agent: Agent): AgentFields {
  const { connections, services } = agent;
  const newest = connections.at(-1);
  return {
    agent_id: agent.id,
    port: agent.port,
    scheme: agent.scheme,
    ...describeHealth(healthOf(agent)),
    services: services.map(describeService),
    last_seen: iso(wallTime(agent.lastSeenAt)),
    connected_since: iso(agent.connectedAt),
    connections: connections.length,
    in_flight: agent.inFlight,
    waiting: sum(services, ({ admission }) => admission.waiting),
    requests: sum(services, ({ stats }) => stats.requests),
    errors: sum(services, ({ stats }) => stats.errors),
    bytes_in: sum(services, ({ stats }) => stats.bytesIn),
    bytes_out: sum(services, ({ stats }) => stats.bytesOut),
    remote_address: newest?.origin.remoteAddress ?? '',
    version: newest?.origin.softwareVersion ?? '',
  };
}

export function describeAgentDetail(agent: Agent): AgentDetailDto {
  const links = linksOf(agent);
  const shown = describeAgent(agent);
  const healthy = links.filter(isHealthy).length;
  return {
    ...shown,
    healthy: healthy > 0,
    healthy_connections: healthy,
    error_rate: errorRate(shown.errors, shown.requests),
    metadata: { ...agent.metadata },
    replica_list: [...Map.groupBy(links, ({ worst }) => worst.replica.id).values()].map(describeReplica),
    connection_list: links.map(describeConnection),
  };
}

/** That of its best connection, as it stands for the local service that it serves worst. */
export function healthOf(agent: Agent): Health | undefined {
  const [only, ...others] = agent.services;
  // Nearly all have one service, which then is the worst: of 10,000 agents that makes a difference.
  if (only !== undefined && others.length === 0) return bestOf(only.connections.members);
  return bestOf(linksOf(agent).map(({ worst }) => worst));
}

/** A connection with its places in the pools of the services that it leads to. */
interface AgentLink {
  readonly places: readonly { service: string; member: Member<AgentConnection> }[];
  /** where it stands worst */
  readonly worst: Member<AgentConnection>;
}

function linksOf({ connections, services }: Agent): AgentLink[] {
  return connections.flatMap((connection) => {
    const places = services.flatMap(({ name, connections: pool }) => {
      const member = pool.of(connection);
      return member === undefined ? [] : [{ service: name, member }];
    });
    const [worst] = places.map(({ member }) => member).toSorted((a, b) => rankOf(b) - rankOf(a));
    return worst === undefined ? [] : [{ places, worst }];
  });
}

const rankOf = ({ health }: Member<AgentConnection>): number => STATES.indexOf(health.state);

const isHealthy = ({ worst }: AgentLink): boolean => worst.usable;

/** The state of the best connection, of those that is in it for longest. */
function bestOf(members: readonly Member<AgentConnection>[]): Health | undefined {
  let best: Member<AgentConnection> | undefined;
  for (const member of members) {
    if (best === undefined || (rankOf(member) - rankOf(best) || member.health.since - best.health.since) < 0)
      best = member;
  }
  return best?.health;
}

function describeHealth({
  state,
  reason,
  since,
}: Pick<Health, 'state' | 'reason' | 'since'> = NOTHING_YET): StateFields {
  return { state, state_reason: reason, state_since: iso(wallTime(since)) };
}

function describeBest(members: readonly Member<AgentConnection>[]): StateFields {
  return describeHealth(bestOf(members));
}

function describeService(service: LocalService): ServiceDto {
  const { name, kind, port, scheme, loopback, connections, stats, admission } = service;
  return {
    name,
    kind,
    port,
    scheme,
    loopback,
    ...describeBest(connections.members),
    connections: connections.all.length,
    waiting: admission.waiting,
    requests: stats.requests,
    errors: stats.errors,
  };
}

/** In flight is asked of the connections, each of which may have several places. */
function describeFigures(links: readonly AgentLink[]): FigureFields {
  const members = links.flatMap(({ places }) => places.map(({ member }) => member));
  const requests = sum(members, (member) => member.requests);
  const errors = sum(members, (member) => member.errors);
  const inFlight = sum(links, ({ worst }) => worst.inFlight);
  return { in_flight: inFlight, requests, errors, error_rate: errorRate(errors, requests) };
}

function describeReplica(links: readonly AgentLink[]): ReplicaDto {
  return {
    replica_id: links[0]?.worst.replica.id ?? '',
    ...describeBest(links.map(({ worst }) => worst)),
    ...describeFigures(links),
    connections: links.length,
    healthy_connections: links.filter(isHealthy).length,
    drained: links.some(({ places }) => places.some(({ member }) => member.replica.drained)),
  };
}

function describeConnection(link: AgentLink): ConnectionDto {
  const { places, worst } = link;
  const { connection, replica } = worst;
  return {
    connection_id: connection.id,
    replica_id: replica.id,
    services: places.map(({ service }) => service),
    ...describeBest([worst]),
    ...describeFigures([link]),
    connected_since: iso(connection.connectedAt),
    last_seen: iso(wallTime(connection.lastSeenAt)),
    remote_address: connection.origin.remoteAddress,
    capacity: connection.capacity,
    round_trip_ms: Math.round(connection.roundTripMs * 100) / 100,
    draining: connection.draining,
  };
}

function sum<T>(list: readonly T[], of: (item: T) => number): number {
  return list.reduce((total, item) => total + of(item), 0);
}
