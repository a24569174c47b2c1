import {
  applyDecorators,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Post,
  Query,
  type StreamableFile,
} from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { BerthError } from '@berth/errors';
import { AbsentAgents, type Agent, AgentRegistry } from '../agents/index.js';
import { AgentDetailDto, AgentListDto } from './agent.dto.js';
import { ApiAgentFilters, ApiInclude } from './agent-filters.js';
import { AGENT_ORDER, AgentList, includesOffline } from './agent-list.js';
import { describeAgentDetail } from './describe-agent.js';
import { ErrorDto } from './error.dto.js';
import { describeExchanges, ExchangeListDto, MAX_EXCHANGES } from './exchange.dto.js';
import { limitIn, refuseOthers, textIn } from './list-query.js';
import { sent } from './long-answer.js';
import { AdminApi, ApiNeedsToken } from './admin-api.js';

/** What draining and its end have in common. */
function ApiDrain(summary: string, description: string): MethodDecorator {
  return applyDecorators(
    HttpCode(200),
    ApiOperation({ summary, description }),
    ApiParam({ name: 'agent_id', description: 'agent id', example: 'my-laptop' }),
    ApiQuery({
      name: 'replica',
      required: false,
      schema: { type: 'string' },
      description: 'one of its replicas alone, by `replica_id`',
    }),
    ApiQuery({
      name: 'service',
      required: false,
      schema: { type: 'string' },
      description: 'one of its local services alone, by name',
    }),
    ApiOkResponse({ type: AgentDetailDto, description: 'how it is now; it has run out when `in_flight` is 0' }),
    ApiBadRequestResponse({
      type: ErrorDto,
      description: 'BERTH_BAD_REQUEST: `replica` or `service` is given more than once, or another parameter is',
    }),
    ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND: no such agent, replica or local service' }),
  );
}

/** What the two ways to disconnect have in common. */
function ApiDisconnect(summary: string, description: string): MethodDecorator {
  return applyDecorators(
    HttpCode(204),
    ApiOperation({
      summary,
      description: `${description} Requests under way may end within \`tunnel.drainTimeoutMs\`.`,
    }),
    ApiParam({ name: 'agent_id', description: 'agent id', example: 'my-laptop' }),
    ApiQuery({
      name: 'now',
      required: false,
      schema: { type: 'boolean', default: false },
      description: 'close it at once, with what runs on it',
    }),
    ApiNoContentResponse({ description: 'it has been asked to leave; with `now` it is closed' }),
    ApiBadRequestResponse({ type: ErrorDto, description: 'BERTH_BAD_REQUEST: `now` is neither true nor false' }),
    ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND: no such agent is connected' }),
  );
}

/** Agents, as operators see them (checklist A13). */
@ApiTags('agents')
@AdminApi()
@ApiNeedsToken()
@Controller('agents')
export class AgentsController {
  constructor(
    private readonly registry: AgentRegistry,
    private readonly list: AgentList,
    private readonly absent: AbsentAgents,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Agents with their ports: all that are connected, or those that a client asks for',
    description:
      'Pages stay right while agents come and go. Those sorted by what moves, as `last_seen` does, show an agent where it is at that moment.',
  })
  @ApiAgentFilters()
  @AGENT_ORDER.describe()
  @ApiOkResponse({ type: AgentListDto })
  @ApiBadRequestResponse({
    type: ErrorDto,
    description: 'BERTH_BAD_REQUEST: a parameter that there is not, or a malformed one',
  })
  listAgents(@Query() query: Record<string, unknown>): AgentListDto | StreamableFile {
    return sent(this.list.show(query));
  }

  @Get(':agent_id')
  @ApiOperation({ summary: 'One agent with its connections' })
  @ApiParam({ name: 'agent_id', description: 'agent id', example: 'my-laptop' })
  @ApiInclude('offline: also when it is away')
  @ApiOkResponse({ type: AgentDetailDto })
  @ApiBadRequestResponse({ type: ErrorDto, description: 'BERTH_BAD_REQUEST: `include` is malformed' })
  @ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND: no such agent is connected' })
  getAgent(@Param('agent_id') id: string, @Query() query: Record<string, unknown>): AgentDetailDto {
    const absent = includesOffline(query) ? this.list.absentOne(id) : undefined;
    return absent?.describeDetail() ?? describeAgentDetail(this.find(id));
  }

  @Get(':agent_id/exchanges')
  @ApiOperation({ summary: 'What is under way on the connections of an agent, the oldest first' })
  @ApiParam({ name: 'agent_id', description: 'agent id', example: 'my-laptop' })
  @ApiQuery({
    name: 'limit',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: MAX_EXCHANGES, default: MAX_EXCHANGES },
    description: 'exchanges to show at the most',
  })
  @ApiOkResponse({ type: ExchangeListDto })
  @ApiBadRequestResponse({ type: ErrorDto, description: 'BERTH_BAD_REQUEST: `limit` is out of its bounds' })
  @ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND: no such agent is connected' })
  listExchanges(@Param('agent_id') id: string, @Query() query: Record<string, unknown>): ExchangeListDto {
    const limit = limitIn(query, MAX_EXCHANGES) ?? MAX_EXCHANGES;
    return describeExchanges(this.find(id), limit, performance.now());
  }

  @Post(':agent_id/drain')
  @ApiDrain(
    'Send an agent no new requests; it stays connected',
    'Requests under way go on. New ones are answered with 503 and `Retry-After`, unless another replica takes them. It ends with `undrain`, or when the agent has gone.',
  )
  drainAgent(@Param('agent_id') id: string, @Query() query: Record<string, unknown>): AgentDetailDto {
    return this.setDrained(true, id, query);
  }

  @Post(':agent_id/undrain')
  @ApiDrain(
    'Send an agent requests again',
    'Ends `drain`. A replica beside others starts slowly (`tunnel.slowStartMs`).',
  )
  undrainAgent(@Param('agent_id') id: string, @Query() query: Record<string, unknown>): AgentDetailDto {
    return this.setDrained(false, id, query);
  }

  @Delete(':agent_id')
  @ApiDisconnect(
    'Disconnect an agent; it may dial in again',
    'Asks the agent to open its next connection and to leave the present ones. An agent that is away is forgotten: it is no longer shown as offline. Ports that are kept for it stay; `DELETE /agents/:id/ports/:service` frees them.',
  )
  disconnectAgent(@Param('agent_id') id: string, @Query('now') now: unknown = 'false'): void {
    const isCutOff = isNow(now);
    if (this.registry.get(id) === undefined && this.absent.forget(id)) return;
    this.registry.disconnect(id, isCutOff);
  }

  @Delete(':agent_id/connections/:connection_id')
  @ApiDisconnect(
    'End one connection of an agent; the agent opens its next one first',
    'Nothing new begins on it while another connection can take it.',
  )
  @ApiParam({ name: 'connection_id', description: '`connection_id` in `GET /agents/:id`', example: 'a1b2c3d4e5f6' })
  endConnection(
    @Param('agent_id') id: string,
    @Param('connection_id') connection: string,
    @Query('now') now: unknown = 'false',
  ): void {
    this.registry.disconnect(id, isNow(now), connection);
  }

  private find(id: string): Agent {
    const agent = this.registry.get(id);
    if (agent === undefined) throw new BerthError('BERTH_NOT_FOUND', `Agent ${id} not found`);
    return agent;
  }

  private setDrained(drained: boolean, id: string, query: Record<string, unknown>): AgentDetailDto {
    // A slip of the pen must not drain the whole agent.
    refuseOthers(query, ['replica', 'service']);
    const replicaId = textIn(query, 'replica');
    const serviceName = textIn(query, 'service');
    const agent = this.find(id);
    if (agent.setDrained(drained, { replicaId, service: serviceName })) return describeAgentDetail(agent);
    const hasService = serviceName === undefined || agent.services.some(({ name }) => name === serviceName);
    const missing = hasService ? `replica ${replicaId ?? ''}` : `local service ${serviceName}`;
    throw new BerthError('BERTH_NOT_FOUND', `Agent ${id} has no ${missing}`);
  }
}

/** @throws BerthError `BERTH_BAD_REQUEST` */
function isNow(now: unknown): boolean {
  if (now !== 'true' && now !== 'false') throw new BerthError('BERTH_BAD_REQUEST', 'now must be true or false');
  return now === 'true';
}
