import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { PortAllocatorService } from '@berth/port-allocator';
import { AgentBerths } from '../ports/index.js';
import { AdminApi, ApiNeedsToken } from './admin-api.js';
import { describePorts, PortsDto } from './ports.dto.js';

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
  @ApiOperation({ summary: 'Figures of the port ranges, leases, and ports that are kept or that other programs hold' })
  @ApiOkResponse({ type: PortsDto })
  getPorts(): PortsDto {
    return describePorts(this.ports, this.berths.list());
  }
}
