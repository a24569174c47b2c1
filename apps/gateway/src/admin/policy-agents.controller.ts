import {
  applyDecorators,
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
  Query,
} from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { BerthError } from '@berth/errors';
import { AGENT_ID_RULE, isAgentId } from '@berth/exchange';
import { type AgentPart, type ConfiguredAgent, PolicyAgents } from '../policy-agents/index.js';
import { AdminApi, ApiNeedsToken } from './admin-api.js';
import { describePolicyAgent, describePolicyAgentDetail, stateOf } from './describe-policy-agent.js';
import { ErrorDto } from './error.dto.js';
import { ListOrder, oneOf, refuseOthers, textsIn } from './list-query.js';
import { POLICY_AGENT_STATES, PolicyAgentDetailDto, PolicyAgentListDto } from './policy-agent.dto.js';
import { describeUpdates, PolicyUpdatesDto } from './policy-update.dto.js';

const ORDER = new ListOrder<ConfiguredAgent>({ name: ({ name }) => name }, ({ name }) => name, 'name');

const ApiName = ApiParam({ name: 'name', description: 'name of a policy agent', example: 'waf' });
const ApiUnknown = ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND: there is none of this name' });

/** What requests that change settings have in common. */
function ApiChange(summary: string, description: string, example: object): MethodDecorator {
  return applyDecorators(
    ApiOperation({ summary, description }),
    ApiName,
    ApiBody({ schema: { type: 'object', additionalProperties: true, example } }),
    ApiOkResponse({ type: PolicyAgentDetailDto }),
    ApiBadRequestResponse({
      type: ErrorDto,
      description: 'BERTH_BAD_REQUEST: a malformed name, or what is wrong with the settings; nothing has changed',
    }),
    ApiServiceUnavailableResponse({
      type: ErrorDto,
      description: 'BERTH_STATE_UNUSABLE: it cannot be written (state.file), and nothing has changed',
    }),
  );
}

/** What draining, its end, and new connections have in common. */
function ApiAct(summary: string, description: string): MethodDecorator {
  return applyDecorators(
    HttpCode(200),
    ApiOperation({ summary, description }),
    ApiName,
    ApiOkResponse({ type: PolicyAgentDetailDto, description: 'as it is now' }),
    ApiUnknown,
  );
}

/** Programs that judge traffic. */
@ApiTags('policy agents')
@AdminApi()
@ApiNeedsToken()
@Controller('policy-agents')
export class PolicyAgentsController {
  constructor(private readonly agents: PolicyAgents) {}

  @Get()
  @ApiOperation({ summary: 'Policy agents: all that are configured, there or away' })
  @ApiQuery({
    name: 'state',
    required: false,
    isArray: true,
    schema: { type: 'array', items: { type: 'string', enum: [...POLICY_AGENT_STATES] } },
    description: 'only those that are so; several: any of them',
  })
  @ORDER.describe()
  @ApiOkResponse({ type: PolicyAgentListDto })
  @ApiBadRequestResponse({ type: ErrorDto, description: 'BERTH_BAD_REQUEST: no such parameter, or a malformed one' })
  listPolicyAgents(@Query() query: Record<string, unknown>): PolicyAgentListDto {
    refuseOthers(query, ['limit', 'cursor', 'sort', 'state']);
    const states = textsIn(query, 'state').map((state) => oneOf('state', state, POLICY_AGENT_STATES));
    const all = this.agents.list();
    const fitting = states.length === 0 ? all : all.filter((agent) => states.includes(stateOf(agent)[0]));
    const { items, ...rest } = ORDER.page(fitting, ORDER.read(query));
    return {
      policy_agents: items.map((agent) => describePolicyAgent(agent, this.agents.sourceOf(agent.name))),
      ...rest,
    };
  }

  @Get(':name')
  @ApiOperation({ summary: 'One policy agent: connections, what it can do, what it was asked, and what it said' })
  @ApiName
  @ApiOkResponse({ type: PolicyAgentDetailDto })
  @ApiUnknown
  getPolicyAgent(@Param('name') name: string): PolicyAgentDetailDto {
    return this.describe(name);
  }

  @Put(':name')
  @ApiChange(
    'Add a policy agent, or say anew all that is said of it',
    'It takes the place of what the settings say of the name, and survives a restart where `state.file` is set. Exchanges that have begun end with the agent that they began with.',
    { address: 'grpc://127.0.0.1:50051', whenUnavailable: 'open' },
  )
  async putPolicyAgent(@Param('name') name: string, @Body() body: unknown): Promise<PolicyAgentDetailDto> {
    checkName(name);
    await asked(() => this.agents.put(name, partIn(body)));
    return this.describe(name);
  }

  @Patch(':name')
  @ApiChange(
    'Change settings of a policy agent',
    'What is left out stays; null takes back what was changed before, so that the settings hold again (RFC 7396).',
    { timeoutMs: 500 },
  )
  @ApiUnknown
  async changePolicyAgent(@Param('name') name: string, @Body() body: unknown): Promise<PolicyAgentDetailDto> {
    await asked(() => this.agents.patch(name, partIn(body)));
    return this.describe(name);
  }

  @Delete(':name')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Take back what was said of a policy agent by requests',
    description:
      'The settings hold again. One that is not in them goes; requests to ports whose rules still name it are then refused.',
  })
  @ApiName
  @ApiNoContentResponse({ description: 'exchanges under way end with it' })
  @ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND: nothing was said by requests' })
  async deletePolicyAgent(@Param('name') name: string): Promise<void> {
    await this.agents.takeBack(name);
  }

  @Get(':name/updates')
  @ApiOperation({ summary: 'What a policy agent asked of the gateway, and the rules and lists that are kept for it' })
  @ApiName
  @ApiOkResponse({ type: PolicyUpdatesDto })
  @ApiUnknown
  getPolicyAgentUpdates(@Param('name') name: string): PolicyUpdatesDto {
    return describeUpdates(this.agents.get(name));
  }

  @Post(':name/drain')
  @ApiAct(
    'Ask a policy agent nothing new',
    'Exchanges that begin go by `whenUnavailable`; those under way go on. Ends with `undrain`, or with the gateway.',
  )
  drainPolicyAgent(@Param('name') name: string, @Query() query: Record<string, unknown>): PolicyAgentDetailDto {
    return this.act(name, query, (agent) => {
      agent.setDrained(true);
    });
  }

  @Post(':name/undrain')
  @ApiAct('Ask a policy agent again', 'Ends `drain`.')
  undrainPolicyAgent(@Param('name') name: string, @Query() query: Record<string, unknown>): PolicyAgentDetailDto {
    return this.act(name, query, (agent) => {
      agent.setDrained(false);
    });
  }

  @Post(':name/reconnect')
  @ApiAct(
    'Replace the connections to a policy agent',
    'One after the other, so that it can be asked all the time. One that could not be reached, or failed, is tried at once.',
  )
  reconnectPolicyAgent(@Param('name') name: string, @Query() query: Record<string, unknown>): PolicyAgentDetailDto {
    return this.act(name, query, ({ agent }) => {
      agent?.reconnect();
    });
  }

  private act(
    name: string,
    query: Record<string, unknown>,
    act: (agent: ConfiguredAgent) => void,
  ): PolicyAgentDetailDto {
    refuseNone(query);
    act(this.agents.get(name));
    return this.describe(name);
  }

  private describe(name: string): PolicyAgentDetailDto {
    return describePolicyAgentDetail(this.agents.get(name), this.agents.sourceOf(name));
  }
}

/** @throws BerthError `BERTH_BAD_REQUEST` for a slip of the pen */
function refuseNone(query: Record<string, unknown>): void {
  const [unknown] = Object.keys(query);
  if (unknown !== undefined) throw new BerthError('BERTH_BAD_REQUEST', `${unknown.slice(0, 80)} is no parameter`);
}

/** @throws BerthError `BERTH_BAD_REQUEST` */
function checkName(name: string): void {
  if (!isAgentId(name)) throw new BerthError('BERTH_BAD_REQUEST', `the name must be ${AGENT_ID_RULE}`);
}

/** @throws BerthError `BERTH_BAD_REQUEST` */
function partIn(body: unknown): AgentPart {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as AgentPart;
  throw new BerthError('BERTH_BAD_REQUEST', 'the body must be settings of a policy agent: a JSON object');
}

/** What is wrong with settings is the request's fault here. */
async function asked(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (thrown) {
    const { code, message } = BerthError.from(thrown);
    throw code === 'BERTH_CONFIG_INVALID' ? new BerthError('BERTH_BAD_REQUEST', message, { cause: thrown }) : thrown;
  }
}
