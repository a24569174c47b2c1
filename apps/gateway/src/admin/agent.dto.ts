import { ApiProperty } from '@nestjs/swagger';
import type { AgentConnection } from '@berth/agent-pool';
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

/** One tunnel connection. */
export class ConnectionDto {
  @ApiProperty({ example: 'a1b2c3d4e5f6' })
  connection_id!: string;

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
    requests: stats.requests,
    errors: stats.errors,
    bytes_in: stats.bytesIn,
    bytes_out: stats.bytesOut,
    remote_address: newest?.origin.remoteAddress ?? '',
    version: newest?.origin.softwareVersion ?? '',
  };
}

export function describeAgentDetail(agent: Agent): AgentDetailDto {
  return {
    ...describeAgent(agent),
    metadata: { ...agent.metadata },
    connection_list: agent.connections.all.map(describeConnection),
  };
}

function describeConnection(connection: AgentConnection): ConnectionDto {
  return {
    connection_id: connection.id,
    connected_since: iso(connection.connectedAt),
    last_seen: iso(wallTime(connection.lastSeenAt)),
    remote_address: connection.origin.remoteAddress,
    in_flight: connection.inFlight,
    capacity: connection.capacity,
    round_trip_ms: Math.round(connection.roundTripMs * 100) / 100,
    draining: connection.draining,
  };
}
