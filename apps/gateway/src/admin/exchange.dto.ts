import { ApiProperty } from '@nestjs/swagger';
import { describeHead, ExchangeKind, type ExchangeKindName, type OpenedExchange, requestIdOf } from '@berth/exchange';
import type { Agent } from '../agents/index.js';

/** Exchanges in one answer, at the most. */
export const MAX_EXCHANGES = 1000;

/** Characters of a path that are shown. */
const MAX_PATH_CHARS = 256;

const STATES = ['waiting', 'answering', 'pipe'] as const;
const KINDS = Object.keys(ExchangeKind);

/** One exchange in `GET /agents/:id/exchanges`. */
export class ExchangeDto {
  @ApiProperty({ example: 'a1b2c3d4e5f6-17', description: 'names the exchange in error answers and logs of both ends' })
  request_id!: string;

  @ApiProperty({ example: 'a1b2c3d4e5f6', description: 'the connection that carries it' })
  connection_id!: string;

  @ApiProperty({ enum: KINDS, example: 'http' })
  kind!: ExchangeKindName;

  @ApiProperty({ example: 'GET' })
  method!: string;

  @ApiProperty({
    example: '/reports/7',
    description: `of its target, without the query; ${MAX_PATH_CHARS} characters at the most`,
  })
  path!: string;

  @ApiProperty({ type: 'integer', format: 'int64', example: 120, description: 'since it began, ms' })
  age_ms!: number;

  @ApiProperty({
    enum: STATES,
    example: 'waiting',
    description: 'waiting for the head of the answer, answering since it came, or a pipe for bytes both ways',
  })
  state!: (typeof STATES)[number];

  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'body bytes on the way to the agent that wait for its credit or for their turn',
  })
  pending_bytes!: number;
}

/** `GET /agents/:id/exchanges` */
export class ExchangeListDto {
  @ApiProperty({ type: [ExchangeDto] })
  exchanges!: ExchangeDto[];

  @ApiProperty({ type: 'integer', example: 1, description: 'all that are under way, shown or not' })
  count!: number;
}

/**
 * @param limit how many to show, the oldest first
 * @param now monotonic ms
 */
export function describeExchanges(agent: Agent, limit: number, now: number): ExchangeListDto {
  const all = agent.connections.flatMap((connection) => connection.exchanges());
  all.sort((a, b) => a.openedAt - b.openedAt);
  return { exchanges: all.slice(0, limit).map((exchange) => describeExchange(exchange, now)), count: all.length };
}

function describeExchange(exchange: OpenedExchange, now: number): ExchangeDto {
  const { id, connection, openHead, openedAt, pendingBytes, headReceived, pipe } = exchange;
  const { kind, method, path } = describeHead(openHead);
  return {
    request_id: requestIdOf(connection.id, id),
    connection_id: connection.id,
    kind,
    method,
    path: path.slice(0, MAX_PATH_CHARS),
    age_ms: Math.round(now - openedAt),
    state: pipe ? 'pipe' : headReceived ? 'answering' : 'waiting',
    pending_bytes: pendingBytes,
  };
}
