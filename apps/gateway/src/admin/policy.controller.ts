import { applyDecorators, Body, Controller, Get, Param, Patch, Query } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { BerthError } from '@berth/errors';
import { AGENT_ID_RULE, DEFAULT_SERVICE, isAgentId, isServiceName, SERVICE_NAME_RULE } from '@berth/exchange';
import { AgentRegistry } from '../agents/index.js';
import { httpOnly, PortPolicies } from '../policy/index.js';
import { AdminApi, ApiNeedsToken } from './admin-api.js';
import { ErrorDto } from './error.dto.js';
import { describePolicy, PolicyDto } from './policy.dto.js';

/** What both requests have in common. */
function ApiPolicyOf(summary: string, description: string, service: string): MethodDecorator {
  return applyDecorators(
    ApiOperation({ summary, description }),
    ApiParam({ name: 'agent_id', description: 'agent id, there or away', example: 'my-laptop' }),
    ApiQuery({ name: 'service', required: false, description: service, example: 'default' }),
    ApiOkResponse({ type: PolicyDto }),
    ApiBadRequestResponse({
      type: ErrorDto,
      description:
        'BERTH_BAD_REQUEST: a malformed name; or what is wrong with the rules, a line for each, and nothing has changed',
    }),
  );
}

/** Rules of agents' ports. */
@ApiTags('ports')
@AdminApi()
@ApiNeedsToken()
@Controller('agents')
export class PolicyController {
  constructor(
    private readonly policies: PortPolicies,
    private readonly registry: AgentRegistry,
  ) {}

  @Get(':agent_id/policy')
  @ApiPolicyOf(
    'The rules of an agent’s port, and where each comes from',
    'Of the settings (`policies`) and of changes by `PATCH`; the more exact ones go over the others.',
    'local service whose port is meant; `default` unless given',
  )
  getPolicy(@Param('agent_id') id: string, @Query('service') service: unknown): PolicyDto {
    return this.describe(agentIn(id), serviceIn(service) ?? DEFAULT_SERVICE);
  }

  @Patch(':agent_id/policy')
  @ApiPolicyOf(
    'Change rules of an agent’s ports',
    'At once, for requests from now on, and over restarts where `state.file` is set. A part of a policy: what it leaves out stays; null takes back what was changed before, so that the settings hold again (RFC 7396).',
    'local service whose port is meant; all of the agent unless given',
  )
  @ApiBody({
    schema: { type: 'object', additionalProperties: true, example: { rate: { requestsPerSecond: 20 }, access: null } },
  })
  @ApiServiceUnavailableResponse({
    type: ErrorDto,
    description: 'BERTH_STATE_UNUSABLE: it cannot be written (state.file), and nothing has changed',
  })
  async changePolicy(
    @Param('agent_id') id: string,
    @Query('service') service: unknown,
    @Body() body: unknown,
  ): Promise<PolicyDto> {
    const agentId = agentIn(id);
    const name = serviceIn(service);
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw new BerthError('BERTH_BAD_REQUEST', 'the body must be a part of a policy: a JSON object');
    this.refuseForTcp(agentId, name, body);
    try {
      await this.policies.patch(agentId, name, body);
    } catch (thrown) {
      const { code, message } = BerthError.from(thrown);
      throw code === 'BERTH_CONFIG_INVALID' ? new BerthError('BERTH_BAD_REQUEST', message, { cause: thrown }) : thrown;
    }
    return this.describe(agentId, name ?? DEFAULT_SERVICE);
  }

  private describe(agentId: string, service: string): PolicyDto {
    const effective = this.policies.effective(agentId, service);
    const useless = this.isTcp(agentId, service) ? httpOnly(effective.sources.keys()) : [];
    const warning = `the port is for raw TCP, where these rules have no effect: ${useless.join(', ')}`;
    const warnings = this.policies
      .pending(agentId, service)
      .map((rule) => `${rule} holds when the port opens next: DELETE /agents/${agentId}?now=true has it come back`);
    if (useless.length > 0) warnings.push(warning);
    for (const name of this.policies.missingAgents(effective.policy))
      warnings.push(`there is no policy agent ${name}: requests are refused (inspect.agents)`);
    return describePolicy(agentId, service, effective, warnings);
  }

  /** @throws BerthError `BERTH_BAD_REQUEST` for rules of HTTP at the port of a service that is known to be raw TCP */
  private refuseForTcp(agentId: string, service: string | undefined, change: object): void {
    if (service === undefined || !this.isTcp(agentId, service)) return;
    const useless = httpOnly(pathsOf(change));
    if (useless.length === 0) return;
    const what = `the port of ${agentId}/${service} is for raw TCP: it cannot have ${useless.join(', ')}`;
    throw new BerthError('BERTH_BAD_REQUEST', what);
  }

  private isTcp(agentId: string, service: string): boolean {
    return this.registry.get(agentId)?.services.find(({ name }) => name === service)?.kind === 'tcp';
  }
}

/** Paths of what a change sets; what it takes back may be anything. */
function pathsOf(change: object, parent = ''): string[] {
  return Object.entries(change).flatMap(([key, value]: [string, unknown]) => {
    if (value === null || value === undefined) return [];
    const path = parent + key;
    return typeof value === 'object' && !Array.isArray(value) ? pathsOf(value, `${path}.`) : [path];
  });
}

function agentIn(id: string): string {
  if (isAgentId(id)) return id;
  throw new BerthError('BERTH_BAD_REQUEST', `the agent id must be ${AGENT_ID_RULE}`);
}

function serviceIn(service: unknown): string | undefined {
  if (service === undefined) return undefined;
  if (typeof service === 'string' && isServiceName(service)) return service;
  throw new BerthError('BERTH_BAD_REQUEST', `service must be ${SERVICE_NAME_RULE}`);
}
