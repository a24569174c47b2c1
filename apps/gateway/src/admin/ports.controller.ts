import { Controller, Get, Query, type StreamableFile } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { PortAllocatorService } from '@berth/port-allocator';
import { AgentBerths } from '../ports/index.js';
import { AdminApi, ApiNeedsToken } from './admin-api.js';
import { ErrorDto } from './error.dto.js';
import { agentIdIn, ListOrder, refuseOthers } from './list-query.js';
import { sent, withLists } from './long-answer.js';
import { portFigures, type PortRow, portRows, PortsDto } from './ports.dto.js';

const ORDER = new ListOrder<PortRow>(
  { port: ({ port }) => port },
  ({ port, agentId, service }) => `${port}/${agentId}/${service}`,
  'port',
);

/** The port ranges and who holds what. */
@ApiTags('ports')
@AdminApi()
@ApiNeedsToken()
@Controller('ports')
export class PortsController {
  constructor(
    private readonly ports: PortAllocatorService,
    private readonly berths: AgentBerths,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Figures of the port ranges, leases, and ports that are kept or that other programs hold',
    description: 'Pages go by port, through the three lists together; the figures are always of all ports.',
  })
  @ApiQuery({
    name: 'agent_id',
    required: false,
    schema: { type: 'string', example: 'kiosk-*' },
    description: 'those of agents with that id, exact or with `*` for any characters',
  })
  @ORDER.describe()
  @ApiOkResponse({ type: PortsDto })
  @ApiBadRequestResponse({
    type: ErrorDto,
    description: 'BERTH_BAD_REQUEST: a parameter that there is not, or a malformed one',
  })
  getPorts(@Query() query: Record<string, unknown>): PortsDto | StreamableFile {
    refuseOthers(query, ['limit', 'cursor', 'sort', 'agent_id']);
    const request = ORDER.read(query);
    const all = portRows(this.ports, this.berths.list());
    const fits = agentIdIn(query);
    const matching = fits === undefined ? all : all.filter(({ agentId }) => agentId !== undefined && fits(agentId));
    const { items, next_cursor } = ORDER.page(matching, request);
    const { leases = [], remembered = [], foreign_ports = [] } = Object.groupBy(items, ({ list }) => list);
    const after = next_cursor === undefined ? {} : { next_cursor };
    return sent(withLists(portFigures(this.ports), { leases, remembered, foreign_ports }, after) as PortsDto);
  }
}
