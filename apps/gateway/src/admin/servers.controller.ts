import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { BerthError } from '@berth/errors';
import { HttpServerPool, type PooledServer, reportOn, type ServerReport, TcpServerPool } from '@berth/http-server-pool';
import { AdminApi, ApiNeedsToken } from './admin-api.js';
import { ErrorDto } from './error.dto.js';
import { ListOrder, oneOf, refuseOthers, textIn } from './list-query.js';
import { describeServer, SERVER_STATES, ServerDto, ServerListDto } from './server.dto.js';

/** Servers that are asked at a time: each needs a descriptor, or two. */
const MAX_PROBES = 64;

const ORDER = new ListOrder<PooledServer>(
  {
    name: ({ name }) => name,
    bind: ({ key }) => key,
    connections: ({ connections }) => connections,
    requests: ({ requests }) => requests,
  },
  ({ key }) => key,
  'bind',
);

/** The servers of the gateway: the admin port's, and those behind agents' ports, of HTTP and raw TCP. */
@ApiTags('servers')
@AdminApi()
@ApiNeedsToken()
@Controller('servers')
export class ServersController {
  constructor(
    private readonly http: HttpServerPool,
    private readonly tcp: TcpServerPool,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'The servers of the gateway, each asked now',
    description:
      'A connection is opened to every one that is shown; at a port of raw TCP it is accepted and goes no further: the local service sees none of it. A server that ended by itself is `failed` until it runs again.',
  })
  @ApiQuery({
    name: 'state',
    required: false,
    schema: { type: 'string', enum: [...SERVER_STATES] },
    description: 'those in that state',
  })
  @ORDER.describe()
  @ApiOkResponse({ type: ServerListDto })
  @ApiBadRequestResponse({
    type: ErrorDto,
    description: 'BERTH_BAD_REQUEST: a parameter that there is not, or a malformed one',
  })
  async listServers(@Query() query: Record<string, unknown>): Promise<ServerListDto> {
    refuseOthers(query, ['limit', 'cursor', 'sort', 'state']);
    const request = ORDER.read(query);
    const state = textIn(query, 'state');
    const wanted = state === undefined ? undefined : oneOf('state', state, SERVER_STATES);
    const all = [...this.http, ...this.tcp].filter((server) => server.state === (wanted ?? server.state));
    const { items, ...rest } = ORDER.page(all, request);
    return { servers: (await reportsOn(items)).map(describeServer), ...rest };
  }

  @Post(':bind/restart')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Have a server listen anew on its port',
    description:
      'New connections are taken at once. Requests under way on connections of before, and pipes of raw TCP, may end within `agentPorts.stopGraceMs` (admin port: 5 s), then they are cut off. The agent stays connected.',
  })
  @ApiParam({ name: 'bind', description: 'as `GET /servers` has it, percent-encoded', example: '0.0.0.0:8100' })
  @ApiOkResponse({ type: ServerDto, description: 'how it is now' })
  @ApiNotFoundResponse({ type: ErrorDto, description: 'BERTH_NOT_FOUND: no server listens there' })
  @ApiServiceUnavailableResponse({
    type: ErrorDto,
    description:
      'BERTH_SERVER_START_FAILED: the port cannot be had now; the server is tried again (`agentPorts.restartAttempts`)',
  })
  async restartServer(@Param('bind') bind: string): Promise<ServerDto> {
    const server = this.http.load(bind) ?? this.tcp.load(bind);
    if (server === undefined) throw new BerthError('BERTH_NOT_FOUND', `no server listens on ${bind.slice(0, 200)}`);
    await server.restart();
    return describeServer(await reportOn(server));
  }
}

async function reportsOn(servers: readonly PooledServer[]): Promise<ServerReport[]> {
  const reports: ServerReport[] = [];
  for (let i = 0; i < servers.length; i += MAX_PROBES) {
    reports.push(...(await Promise.all(servers.slice(i, i + MAX_PROBES).map((server) => reportOn(server)))));
  }
  return reports;
}
