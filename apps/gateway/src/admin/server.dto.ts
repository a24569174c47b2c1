import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { ServerReport } from '@berth/http-server-pool';
import { ListDto } from './agent.dto.js';

export const SERVER_STATES = ['stopped', 'starting', 'running', 'stopping', 'failed', 'disabled'] as const;

/** A server of the gateway, as it was found for this answer. */
export class ServerDto {
  @ApiProperty({ example: 'agent my-laptop', description: '`admin`, or `agent` with its id and local service' })
  name!: string;

  @ApiProperty({ example: '0.0.0.0:8100', description: 'where it listens: its key for `restart`' })
  bind!: string;

  @ApiProperty({
    example: 'http://gateway.example.org:8100',
    description: 'as clients write it (`agentPorts.publicHost`)',
  })
  expose!: string;

  @ApiProperty({ example: 'http', description: '`http`, `https`, or `tcp`' })
  scheme!: string;

  @ApiProperty({ enum: SERVER_STATES, description: '`failed`: it should run, does not, and is being brought back' })
  state!: ServerReport['state'];

  @ApiProperty({ description: 'it runs, and took a connection just now' })
  healthy!: boolean;

  @ApiPropertyOptional({ description: 'why it is not healthy, or could not be asked' })
  reason?: string;

  @ApiPropertyOptional({ format: 'date-time' })
  started_at?: string;

  @ApiProperty({ type: 'integer', example: 86_400_000 })
  uptime_ms!: number;

  @ApiProperty({ type: 'integer', example: 3, description: 'client connections that are open' })
  connections!: number;

  @ApiProperty({
    type: 'integer',
    example: 1200,
    description: 'since the server, or its agent, came; at a port of raw TCP: connections taken',
  })
  requests!: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'times that it was started again' })
  restarts!: number;

  @ApiPropertyOptional({ description: 'why it ended, or could not start' })
  last_error?: string;

  @ApiPropertyOptional({ type: 'number', example: 0.4, description: 'how long it took to take the connection' })
  probe_ms?: number;
}

/** `GET /servers` */
export class ServerListDto extends ListDto {
  @ApiProperty({ type: [ServerDto] })
  servers!: ServerDto[];
}

export function describeServer(report: ServerReport): ServerDto {
  const { name, bind, expose, scheme, state, healthy, reason, connections, requests, restarts } = report;
  const { startedAt, lastError, probeMs } = report;
  return {
    name,
    bind,
    expose,
    scheme,
    state,
    healthy,
    ...(reason === undefined ? {} : { reason }),
    ...(startedAt === undefined ? {} : { started_at: new Date(startedAt).toISOString() }),
    uptime_ms: Math.round(report.uptimeMs),
    connections,
    requests,
    restarts,
    ...(lastError === undefined ? {} : { last_error: lastError }),
    ...(probeMs === undefined ? {} : { probe_ms: Math.round(probeMs * 1000) / 1000 }),
  };
}
