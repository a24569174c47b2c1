import { applyDecorators, Body, Controller, Delete, HttpCode, Param, Put } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiConflictResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { isPort } from '@berth/config';
import { BerthError } from '@berth/errors';
import { PortPins } from '../ports/index.js';
import { AdminApi, ApiNeedsToken } from './admin-api.js';
import { ErrorDto } from './error.dto.js';
import { describePin, PinnedPortDto, PinPortDto } from './ports.dto.js';

const STATIC = 'BERTH_PORT_STATIC: agentPorts.static gives it to somebody';

/** What pinning and freeing have in common. */
function ApiPortOf(summary: string, description: string): MethodDecorator {
  return applyDecorators(
    ApiOperation({ summary, description }),
    ApiParam({ name: 'agent_id', description: 'agent id', example: 'my-laptop' }),
    ApiParam({ name: 'service', description: 'local service', example: 'default' }),
    ApiServiceUnavailableResponse({
      type: ErrorDto,
      description: 'BERTH_STATE_UNUSABLE: it holds, but could not be written, and is tried again (state.file)',
    }),
  );
}

/** Ports that operators give to local services of agents, there or away. */
@ApiTags('ports')
@AdminApi()
@ApiNeedsToken()
@Controller('agents')
export class AgentPortsController {
  constructor(private readonly pins: PortPins) {}

  @Put(':agent_id/ports/:service')
  @ApiPortOf(
    'Pin a port to a local service of an agent',
    'It is given to nobody else from now on, also while the agent is away, and over restarts where `state.file` is set. A service that listens on another port moves when the agent comes back; `DELETE /agents/:id?now=true` has it come back at once.',
  )
  @ApiBody({ type: PinPortDto })
  @ApiOkResponse({ type: PinnedPortDto })
  @ApiBadRequestResponse({
    type: ErrorDto,
    description: 'BERTH_PORT_OUT_OF_RANGE: it lies in no range; BERTH_BAD_REQUEST: no port, or a malformed name',
  })
  @ApiConflictResponse({
    type: ErrorDto,
    description: `BERTH_PORT_TAKEN: another service uses it or has it pinned; ${STATIC}`,
  })
  async pinPort(
    @Param('agent_id') id: string,
    @Param('service') service: string,
    @Body() body: unknown,
  ): Promise<PinnedPortDto> {
    return describePin(await this.pins.pin(id, service, portIn(body)));
  }

  @Delete(':agent_id/ports/:service')
  @HttpCode(204)
  @ApiPortOf(
    'Free the port of a local service of an agent',
    'Ends a pin, and keeps the port no longer for an agent that is away. One in use stays so until the agent leaves.',
  )
  @ApiNoContentResponse({ description: 'the port is nobody’s, or will be when the agent leaves' })
  @ApiBadRequestResponse({ type: ErrorDto, description: 'BERTH_BAD_REQUEST: a malformed name' })
  @ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND: it has no port, and none is kept for it' })
  @ApiConflictResponse({ type: ErrorDto, description: STATIC })
  async freePort(@Param('agent_id') id: string, @Param('service') service: string): Promise<void> {
    await this.pins.free(id, service);
  }
}

/** @throws BerthError `BERTH_BAD_REQUEST` */
function portIn(body: unknown): number {
  const { port, ...more } = (typeof body === 'object' && body !== null ? body : {}) as Readonly<
    Record<string, unknown>
  >;
  if (!isPort(port) || Object.keys(more).length > 0) {
    throw new BerthError('BERTH_BAD_REQUEST', 'the body must be {"port": a whole number from 1 to 65535}');
  }
  return Number(port);
}
