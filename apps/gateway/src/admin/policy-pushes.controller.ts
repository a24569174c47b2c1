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
import { ConfigPushes } from '../config-push/index.js';
import { PolicyAgents } from '../policy-agents/index.js';
import { AdminApi, ApiNeedsToken } from './admin-api.js';
import { ApiPush } from './api-push.js';
import { configOf } from './config-body.js';
import { ErrorDto } from './error.dto.js';
import { describePolicyPush, PolicyPushAllDto, PolicyPushDto, PolicyPushListDto } from './policy-push.dto.js';

const ApiName = ApiParam({ name: 'name', description: 'name of a policy agent', example: 'waf' });

const EXAMPLE = { block: ['/admin'] };

/** Configurations for policy agents, and what became of them (checklist C19). */
@ApiTags('policy agents')
@AdminApi()
@ApiNeedsToken()
@Controller('policy-agents')
export class PolicyPushesController {
  constructor(
    private readonly agents: PolicyAgents,
    private readonly limits: ConfigPushes,
  ) {}

  @Post('config')
  @ApiPush(
    'Push a configuration to all policy agents that can take it',
    'A push of its own for each of them; agents that cannot take it are named in `skipped`.',
    EXAMPLE,
  )
  @ApiAcceptedResponse({ type: PolicyPushAllDto })
  pushPolicyConfigToAll(@Req() request: RawBodyRequest<Request>): PolicyPushAllDto {
    const configJson = configOf(request);
    this.limits.checkSize(configJson);
    const pushes: PolicyPushAllDto['pushes'] = [];
    const skipped: PolicyPushAllDto['skipped'] = [];
    for (const { agent, name } of this.agents.list()) {
      try {
        if (agent !== undefined) pushes.push(Object.assign(describePolicyPush(agent.push(configJson)), { name }));
      } catch (thrown) {
        const { code, message } = BerthError.from(thrown);
        skipped.push({ name, code, message });
      }
    }
    return { pushes, count: pushes.length, skipped };
  }

  @Post(':name/config')
  @ApiPush(
    'Push a configuration to a policy agent',
    'To each of its connections that can take it; later ones are given it first, until the gateway ends. To keep it, set `config` with `PATCH /policy-agents/:name`.',
    EXAMPLE,
  )
  @ApiName
  @ApiAcceptedResponse({ type: PolicyPushDto })
  @ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND: there is none of this name' })
  @ApiConflictResponse({ type: ErrorDto, description: 'BERTH_CONFIG_PUSH_UNSUPPORTED: it is away, or takes none' })
  @ApiTooManyRequestsResponse({ type: ErrorDto, description: 'BERTH_TOO_MANY_PUSHES: `push.maxPending`' })
  pushPolicyConfig(@Param('name') name: string, @Req() request: RawBodyRequest<Request>): PolicyPushDto {
    const { agent } = this.agents.get(name);
    const configJson = configOf(request);
    this.limits.checkSize(configJson);
    if (agent === undefined) throw new BerthError('BERTH_NOT_FOUND', `Policy agent ${name} not found`);
    return describePolicyPush(agent.push(configJson));
  }

  @Get(':name/config')
  @ApiOperation({ summary: 'Pushes to a policy agent: those under way and the last that are over, the newest first' })
  @ApiName
  @ApiOkResponse({ type: PolicyPushListDto })
  @ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND: there is none of this name' })
  listPolicyConfigPushes(@Param('name') name: string): PolicyPushListDto {
    const pushes = this.agents.get(name).agent?.pushes() ?? [];
    return { pushes: pushes.map(describePolicyPush), count: pushes.length };
  }

  @Get(':name/config/:push_id')
  @ApiOperation({ summary: 'One push to a policy agent' })
  @ApiName
  @ApiParam({ name: 'push_id', description: 'push_id', example: 'config-push-0123456789abcdef' })
  @ApiOkResponse({ type: PolicyPushDto })
  @ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND: no such push, or none that is remembered' })
  getPolicyConfigPush(@Param('name') name: string, @Param('push_id') pushId: string): PolicyPushDto {
    const push = this.agents
      .get(name)
      .agent?.pushes()
      .find(({ id }) => id === pushId);
    if (push === undefined) throw new BerthError('BERTH_NOT_FOUND', `Policy agent ${name} has no push ${pushId}`);
    return describePolicyPush(push);
  }
}
