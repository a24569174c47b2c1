import { Controller, Get, Query } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { PortAllocatorService } from '@berth/port-allocator';
import { AgentBerths } from '../ports/index.js';
import { AdminApi, ApiNeedsToken } from './admin-api.js';
import { ErrorDto } from './error.dto.js';
import { agentIdIn, ListOrder, refuseOthers } from './list-query.js';
import { describePorts, PortsDto, type PortsEntry } from './ports.dto.js';

const ORDER = new ListOrder<PortsEntry>(
  { port: ({ port }) => port },
  ({ port, agent_id, service }) => `${port}/${agent_id}/${service}`,
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
  getPorts(@Query() query: Record<string, unknown>): PortsDto {
    refuseOthers(query, ['limit', 'cursor', 'sort', 'agent_id']);
    const request = ORDER.read(query);
    const shown = describePorts(this.ports, this.berths.list());
    const all: PortsEntry[] = [...shown.leases, ...shown.remembered, ...shown.foreign_ports];
    const fits = agentIdIn(query);
    const matching = fits === undefined ? all : all.filter(({ agent_id }) => agent_id !== undefined && fits(agent_id));
    const { items, next_cursor } = ORDER.page(matching, request);
    const page = new Set(items);
    return {
      ...shown,
      leases: shown.leases.filter((entry) => page.has(entry)),
      remembered: shown.remembered.filter((entry) => page.has(entry)),
      foreign_ports: shown.foreign_ports.filter((entry) => page.has(entry)),
      ...(next_cursor === undefined ? {} : { next_cursor }),
    };
  }
}
