import { ApiProperty } from '@nestjs/swagger';
import { type AgentConnection, type HealthState, type Member } from '@berth/agent-pool';
import { type Agent, wallTime } from '../agents/index.js';

/** One agent in `GET /agents`; times are ISO 8601 in UTC. */
export class AgentDto {
  @ApiProperty({ example: 'my-laptop' })
  agent_id!: string;

  @ApiProperty({ type: 'integer', example: 8100, description: 'TCP port of the gateway that leads to this agent' })
  port!: number;

  @ApiProperty({ example: 'http', description: "scheme of the port's address" })
  scheme!: string;

  @ApiProperty({ format: 'date-time', description: 'when the last message of the agent came in' })
  last_seen!: string;

  @ApiProperty({ format: 'date-time' })
  connected_since!: string;

  @ApiProperty({ type: 'integer', example: 1, description: 'live tunnel connections' })
  connections!: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'exchanges under way' })
  in_flight!: number;

  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'requests that wait until a connection takes one more, or for the end of a pause',
  })
  waiting!: number;

  @ApiProperty({ type: 'integer', format: 'int64', example: 1234, description: 'requests since the agent connected' })
  requests!: number;

  @ApiProperty({
    type: 'integer',
    format: 'int64',
    example: 0,
    description: 'requests that Berth had to answer itself',
  })
  errors!: number;

  @ApiProperty({ type: 'integer', format: 'int64', example: 0, description: 'body bytes, client to service' })
  bytes_in!: number;

  @ApiProperty({ type: 'integer', format: 'int64', example: 0, description: 'body bytes, service to client' })
  bytes_out!: number;

  @ApiProperty({ example: '192.0.2.7:51544', description: 'where the newest connection comes from' })
  remote_address!: string;

  @ApiProperty({ example: '0.1.0', description: 'version of the agent' })
  version!: string;
}

const STATES: readonly HealthState[] = ['healthy', 'degraded', 'paused', 'draining', 'unhealthy', 'connecting'];

/** What something is fit for. */
export class StateDto {
  @ApiProperty({ enum: STATES, example: 'healthy' })
  state!: HealthState;

  @ApiProperty({ example: '3 failures in a row', description: 'why; empty when all is well' })
  state_reason!: string;

  @ApiProperty({ format: 'date-time', description: 'when the state changed last' })
  state_since!: string;
}

/** One process that serves an agent; its state is that of its best connection. */
export class ReplicaDto extends StateDto {
  @ApiProperty({ example: 'f0e1d2c3', description: 'instance id: a name that the process made for itself' })
  replica_id!: string;

  @ApiProperty({ type: 'integer', example: 1 })
  connections!: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'exchanges under way' })
  in_flight!: number;

  @ApiProperty({ example: false, description: 'an operator keeps requests away from it' })
  drained!: boolean;
}

/** One tunnel connection. */
export class ConnectionDto extends StateDto {
  @ApiProperty({ example: 'a1b2c3d4e5f6' })
  connection_id!: string;

  @ApiProperty({ example: 'f0e1d2c3', description: 'instance id of the process behind it' })
  replica_id!: string;

  @ApiProperty({ format: 'date-time' })
  connected_since!: string;

  @ApiProperty({ format: 'date-time' })
  last_seen!: string;

  @ApiProperty({ example: '192.0.2.7:51544' })
  remote_address!: string;

  @ApiProperty({ type: 'integer', example: 0 })
  in_flight!: number;

  @ApiProperty({ type: 'integer', example: 1024, description: 'exchanges it takes at once' })
  capacity!: number;

  @ApiProperty({ example: 0.4, description: 'smallest round trip seen, ms' })
  round_trip_ms!: number;

  @ApiProperty({ example: false, description: 'takes no new exchanges' })
  draining!: boolean;
}

/** `GET /agents/:id` */
export class AgentDetailDto extends AgentDto {
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'what the agent says of itself',
  })
  metadata!: Record<string, string>;

  @ApiProperty({ enum: STATES, description: 'that of its best connection' })
  state!: HealthState;

  @ApiProperty({ description: 'why; empty when all is well' })
  state_reason!: string;

  @ApiProperty({ format: 'date-time', description: 'when the state changed last' })
  state_since!: string;

  @ApiProperty({ type: [ReplicaDto], description: 'the processes behind it: more than one where they share' })
  replica_list!: ReplicaDto[];

  @ApiProperty({ type: [ConnectionDto] })
  connection_list!: ConnectionDto[];
}

/** `GET /agents` */
export class AgentListDto {
  @ApiProperty({ type: [AgentDto] })
  agents!: AgentDto[];

  @ApiProperty({ type: 'integer', example: 1 })
  count!: number;
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** The fields alone: what is spread must not look like an instance. */
type AgentFields = Pick<AgentDto, keyof AgentDto>;
type StateFields = Pick<StateDto, keyof StateDto>;

export function describeAgent(agent: Agent): AgentFields {
  const { stats, connections } = agent;
  const newest = connections.all.at(-1);
  return {
    agent_id: agent.id,
    port: agent.port,
    scheme: agent.scheme,
    last_seen: iso(wallTime(agent.lastSeenAt)),
    connected_since: iso(agent.connectedAt),
    connections: connections.all.length,
    in_flight: connections.inFlight,
    waiting: agent.admission.waiting,
    requests: stats.requests,
    errors: stats.errors,
    bytes_in: stats.bytesIn,
    bytes_out: stats.bytesOut,
    remote_address: newest?.origin.remoteAddress ?? '',
    version: newest?.origin.softwareVersion ?? '',
  };
}

export function describeAgentDetail(agent: Agent): AgentDetailDto {
  const { members } = agent.connections;
  const replicas = Map.groupBy(members, ({ replica }) => replica.id);
  return {
    ...describeAgent(agent),
    ...describeState(members),
    metadata: { ...agent.metadata },
    replica_list: [...replicas.values()].map(describeReplica),
    connection_list: members.map(describeConnection),
  };
}

/** The state of the best connection, of those that is in it for longest. */
function describeState(members: readonly Member<AgentConnection>[]): StateFields {
  const rank = ({ health }: Member<AgentConnection>): number => STATES.indexOf(health.state);
  const [best] = members.toSorted((a, b) => rank(a) - rank(b) || a.health.since - b.health.since);
  const { state = 'connecting', reason = '', since = 0 } = best?.health ?? {};
  return { state, state_reason: reason, state_since: iso(wallTime(since)) };
}

function describeReplica(members: readonly Member<AgentConnection>[]): ReplicaDto {
  const replica = members[0]?.replica;
  return {
    replica_id: replica?.id ?? '',
    ...describeState(members),
    connections: members.length,
    in_flight: members.reduce((sum, { inFlight }) => sum + inFlight, 0),
    drained: replica?.drained === true,
  };
}

function describeConnection(member: Member<AgentConnection>): ConnectionDto {
  const { connection, replica } = member;
  return {
    connection_id: connection.id,
    replica_id: replica.id,
    ...describeState([member]),
    connected_since: iso(connection.connectedAt),
    last_seen: iso(wallTime(connection.lastSeenAt)),
    remote_address: connection.origin.remoteAddress,
    in_flight: connection.inFlight,
    capacity: connection.capacity,
    round_trip_ms: Math.round(connection.roundTripMs * 100) / 100,
    draining: connection.draining,
  };
}
