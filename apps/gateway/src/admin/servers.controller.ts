import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import {
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { BerthError } from '@berth/errors';
import { HttpServerPool, reportOn, TcpServerPool } from '@berth/http-server-pool';
import { AdminApi, ApiNeedsToken } from './admin-api.js';
import { ErrorDto } from './error.dto.js';
import { describeServer, ServerDto, ServerListDto } from './server.dto.js';

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
    summary: 'All servers of the gateway, each asked now',
    description:
      'A connection is opened to every one of them; at a port of raw TCP it is accepted and goes no further: the local service sees none of it. A server that ended by itself is `failed` until it runs again.',
  })
  @ApiOkResponse({ type: ServerListDto })
  async listServers(): Promise<ServerListDto> {
    const reports = await Promise.all([this.http.monitor(), this.tcp.monitor()]);
    const servers = reports.flat().map(describeServer);
    return { servers, count: servers.length };
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
