import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiForbiddenResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { BerthError } from '@berth/errors';
import { AgentRegistry } from '../agents/index.js';
import { AgentDetailDto, AgentListDto, describeAgent, describeAgentDetail } from './agent.dto.js';
import { ErrorDto } from './error.dto.js';
import { AdminApi, ApiNeedsToken } from './admin-api.js';

/** Agents, as operators see them (checklist A13). */
@ApiTags('agents')
@AdminApi()
@ApiNeedsToken()
@Controller('agents')
export class AgentsController {
  constructor(private readonly registry: AgentRegistry) {}

  @Get()
  @ApiOperation({ summary: 'All connected agents with their ports' })
  @ApiOkResponse({ type: AgentListDto })
  list(): AgentListDto {
    const agents = this.registry.list().map(describeAgent);
    return { agents, count: agents.length };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One agent with its connections' })
  @ApiParam({ name: 'id', description: 'agent id', example: 'my-laptop' })
  @ApiOkResponse({ type: AgentDetailDto })
  @ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND' })
  one(@Param('id') id: string): AgentDetailDto {
    const agent = this.registry.get(id);
    if (agent === undefined) throw new BerthError('BERTH_NOT_FOUND', `Agent ${id} not found`);
    return describeAgentDetail(agent);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Disconnect an agent; it may dial in again',
    description:
      'Asks the agent to open its next connection and to leave the present ones. Requests under way may end within `tunnel.drainTimeoutMs`.',
  })
  @ApiParam({ name: 'id', description: 'agent id', example: 'my-laptop' })
  @ApiQuery({
    name: 'now',
    required: false,
    schema: { type: 'boolean', default: false },
    description: 'close its connections at once, with what runs on them',
  })
  @ApiNoContentResponse({ description: 'it has been asked to leave; with `now` its connections are closed' })
  @ApiBadRequestResponse({ type: ErrorDto, description: 'BERTH_BAD_REQUEST: `now` is neither true nor false' })
  @ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND' })
  @ApiForbiddenResponse({ type: ErrorDto, description: 'BERTH_CROSS_SITE: asked by a page of another origin' })
  disconnect(@Param('id') id: string, @Query('now') now: unknown = 'false'): void {
    if (now !== 'true' && now !== 'false') throw new BerthError('BERTH_BAD_REQUEST', 'now must be true or false');
    this.registry.disconnect(id, now === 'true');
  }
}
