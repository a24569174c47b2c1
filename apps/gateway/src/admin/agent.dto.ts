import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { HealthState } from '@berth/agent-pool';

/** The best first. */
export const STATES: readonly HealthState[] = ['healthy', 'degraded', 'paused', 'draining', 'unhealthy', 'connecting'];

/** State of an agent that is away. */
export const OFFLINE = 'offline';
export const AGENT_STATES = [...STATES, OFFLINE] as const;
export type AgentState = HealthState | typeof OFFLINE;

/** What something is fit for. */
export class StateDto {
  @ApiProperty({ enum: STATES, example: 'healthy' })
  state!: HealthState;

  @ApiProperty({ example: '3 failures in a row', description: 'why; empty when all is well' })
  state_reason!: string;

  @ApiProperty({ format: 'date-time', description: 'when the state changed last' })
  state_since!: string;
}

/** The same with what was done (checklist C14). */
export class FiguresDto extends StateDto {
  @ApiProperty({ type: 'integer', example: 0, description: 'exchanges under way' })
  in_flight!: number;

  @ApiProperty({
    type: 'integer',
    format: 'int64',
    example: 1234,
    description: 'exchanges begun, second tries included',
  })
  requests!: number;

  @ApiProperty({ type: 'integer', format: 'int64', example: 0, description: "of them failed by the agent's side" })
  errors!: number;

  @ApiProperty({ example: 0, description: 'errors / requests; 0 when there were none' })
  error_rate!: number;
}

/** A local service of an agent; its state is that of its best connection, its figures are of the connections that lead to it. */
export class ServiceDto {
  @ApiProperty({ enum: AGENT_STATES, example: 'healthy' })
  state!: AgentState;

  @ApiProperty({ example: '', description: 'why; empty when all is well' })
  state_reason!: string;

  @ApiProperty({ format: 'date-time', description: 'when the state changed last' })
  state_since!: string;

  @ApiProperty({ example: 'default' })
  name!: string;

  @ApiProperty({
    example: 'http',
    description: 'kind of port; while the agent is away, as it was, and empty where that was not written',
  })
  kind!: string;

  @ApiProperty({ type: 'integer', example: 8100, description: 'TCP port of the gateway that leads to it' })
  port!: number;

  @ApiProperty({ example: 'http', description: "scheme of the port's address" })
  scheme!: string;

  @ApiProperty({ example: false, description: "its port listens on the gateway's loopback alone, as the agent wishes" })
  loopback!: boolean;

  @ApiProperty({ type: 'integer', example: 1, description: 'connections that lead to it' })
  connections!: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'requests that wait' })
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
}

/** One agent in `GET /agents`; times are ISO 8601 in UTC. */
export class AgentDto {
  @ApiProperty({ example: 'my-laptop' })
  agent_id!: string;

  @ApiProperty({
    type: 'integer',
    example: 8100,
    description: 'TCP port of the gateway that leads to its first local service; 0: none is kept while it is away',
  })
  port!: number;

  @ApiProperty({ example: 'http', description: "scheme of the port's address" })
  scheme!: string;

  @ApiProperty({
    enum: AGENT_STATES,
    example: 'healthy',
    description:
      'that of its best connection, as it stands for the local service that it serves worst; offline: it is away',
  })
  state!: AgentState;

  @ApiProperty({ example: '', description: 'why; empty when all is well. Of an agent that is away: why it left' })
  state_reason!: string;

  @ApiProperty({ format: 'date-time', description: 'when the state changed last' })
  state_since!: string;

  @ApiProperty({
    type: [ServiceDto],
    description: 'what it serves, each with a port of its own; while it is away, those whose port is kept',
  })
  services!: ServiceDto[];

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

/** One process that serves an agent; its state is that of its best connection. */
export class ReplicaDto extends FiguresDto {
  @ApiProperty({ example: 'f0e1d2c3', description: 'instance id: a name that the process made for itself' })
  replica_id!: string;

  @ApiProperty({ type: 'integer', example: 1 })
  connections!: number;

  @ApiProperty({ type: 'integer', example: 1, description: 'of them healthy or degraded' })
  healthy_connections!: number;

  @ApiProperty({ example: false, description: 'an operator keeps requests away from it' })
  drained!: boolean;
}

/** One tunnel connection. */
export class ConnectionDto extends FiguresDto {
  @ApiProperty({ example: 'a1b2c3d4e5f6' })
  connection_id!: string;

  @ApiProperty({ example: 'f0e1d2c3', description: 'instance id of the process behind it' })
  replica_id!: string;

  @ApiProperty({ type: [String], example: ['default'], description: 'local services that it leads to' })
  services!: string[];

  @ApiProperty({ format: 'date-time' })
  connected_since!: string;

  @ApiProperty({ format: 'date-time' })
  last_seen!: string;

  @ApiProperty({ example: '192.0.2.7:51544' })
  remote_address!: string;

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

  @ApiProperty({ example: true, description: 'one of its connections is healthy or degraded' })
  healthy!: boolean;

  @ApiProperty({ type: 'integer', example: 1, description: 'connections that are healthy or degraded' })
  healthy_connections!: number;

  @ApiProperty({ example: 0, description: 'errors / requests; 0 when there were none' })
  error_rate!: number;

  @ApiProperty({ type: [ReplicaDto], description: 'the processes behind it: more than one where they share' })
  replica_list!: ReplicaDto[];

  @ApiProperty({ type: [ConnectionDto] })
  connection_list!: ConnectionDto[];
}

/** What lists have in common. */
export class ListDto {
  @ApiProperty({ type: 'integer', example: 1, description: 'all that match, shown or not' })
  count!: number;

  @ApiPropertyOptional({ description: '`cursor` of the next page, where there is one' })
  next_cursor?: string;
}

/** `GET /agents` */
export class AgentListDto extends ListDto {
  @ApiProperty({ type: [AgentDto] })
  agents!: AgentDto[];
}
