import { Controller, Get, Param, Post, type RawBodyRequest, Req } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiConflictResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
  ApiTooManyRequestsResponse,
} from '@nestjs/swagger';
import type { Request } from 'express';
import { BerthError } from '@berth/errors';
import { AgentRegistry } from '../agents/index.js';
import { type ConfigPush, ConfigPushes } from '../config-push/index.js';
import { AdminApi, ApiNeedsToken } from './admin-api.js';
import { ApiPush } from './api-push.js';
import { configOf } from './config-body.js';
import {
  ConfigPushAllDto,
  ConfigPushDto,
  ConfigPushListDto,
  describePush,
  describePushes,
  type PushSkippedDto,
} from './config-push.dto.js';
import { ErrorDto } from './error.dto.js';

const EXAMPLE = { log: { level: 'debug' } };

const AGENT_ID = ApiParam({ name: 'agent_id', description: 'agent id', example: 'my-laptop' });

/** Configurations for agents, and what became of them (checklist C19). */
@ApiTags('agents')
@AdminApi()
@ApiNeedsToken()
@Controller('agents')
export class ConfigPushController {
  constructor(
    private readonly registry: AgentRegistry,
    private readonly pushes: ConfigPushes,
  ) {}

  @Post('config')
  @ApiPush(
    'Push a configuration to all agents that can take it',
    'A push of its own for each of them; agents that cannot take it are named in `skipped`.',
    EXAMPLE,
  )
  @ApiAcceptedResponse({ type: ConfigPushAllDto })
  pushConfigToAll(@Req() request: RawBodyRequest<Request>): ConfigPushAllDto {
    const configJson = configOf(request);
    const bytes = this.pushes.checkSize(configJson);
    const pushed: ConfigPush[] = [];
    const skipped: PushSkippedDto[] = [];
    for (const { id } of this.registry.list()) {
      try {
        pushed.push(this.pushes.push(id, configJson, bytes));
      } catch (thrown) {
        const { code, message } = BerthError.from(thrown);
        skipped.push({ agent_id: id, code, message });
      }
    }
    return { pushes: pushed.map(describePush), count: pushed.length, skipped };
  }

  @Post(':agent_id/config')
  @ApiPush(
    'Push a configuration to an agent',
    'To each of its replicas that can take it, one push after the other. `GET` with the `push_id` says what became of it.',
    EXAMPLE,
  )
  @AGENT_ID
  @ApiAcceptedResponse({ type: ConfigPushDto })
  @ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND: the agent is not connected' })
  @ApiConflictResponse({ type: ErrorDto, description: 'BERTH_CONFIG_PUSH_UNSUPPORTED: it takes no configuration' })
  @ApiTooManyRequestsResponse({ type: ErrorDto, description: 'BERTH_TOO_MANY_PUSHES: `configPush.maxPendingPerAgent`' })
  pushConfig(@Param('agent_id') id: string, @Req() request: RawBodyRequest<Request>): ConfigPushDto {
    if (this.registry.get(id) === undefined) throw new BerthError('BERTH_NOT_FOUND', `Agent ${id} not found`);
    return describePush(this.pushes.push(id, configOf(request)));
  }

  @Get(':agent_id/config')
  @ApiOperation({ summary: 'Pushes to an agent: those under way and the last that are over, the newest first' })
  @AGENT_ID
  @ApiOkResponse({ type: ConfigPushListDto })
  @ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND: neither connected, nor ever pushed to' })
  listConfigPushes(@Param('agent_id') id: string): ConfigPushListDto {
    const pushes = this.pushes.list(id);
    if (pushes.length === 0 && this.registry.get(id) === undefined) {
      throw new BerthError('BERTH_NOT_FOUND', `Agent ${id} not found`);
    }
    return describePushes(pushes);
  }

  @Get(':agent_id/config/:push_id')
  @ApiOperation({ summary: 'One push to an agent' })
  @AGENT_ID
  @ApiParam({ name: 'push_id', description: 'push_id', example: 'push-0123456789abcdef' })
  @ApiOkResponse({ type: ConfigPushDto })
  @ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND: no such push, or none that is remembered' })
  getConfigPush(@Param('agent_id') id: string, @Param('push_id') pushId: string): ConfigPushDto {
    const push = this.pushes.get(id, pushId);
    if (push === undefined) throw new BerthError('BERTH_NOT_FOUND', `Agent ${id} has no push ${pushId}`);
    return describePush(push);
  }
}
