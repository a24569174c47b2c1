import { Controller, Delete, Get, HttpCode, Inject, Param } from '@nestjs/common';
import {
  ApiForbiddenResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { BerthError } from '#errors';
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
  constructor(@Inject(AgentRegistry) private readonly registry: AgentRegistry) {}

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
  @ApiOperation({ summary: 'Disconnect an agent; it may dial in again' })
  @ApiParam({ name: 'id', description: 'agent id', example: 'my-laptop' })
  @ApiNoContentResponse({ description: 'its connections are closed' })
  @ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND' })
  @ApiForbiddenResponse({ type: ErrorDto, description: 'BERTH_CROSS_SITE: asked by a page of another origin' })
  disconnect(@Param('id') id: string): void {
    this.registry.disconnect(id);
  }
}
