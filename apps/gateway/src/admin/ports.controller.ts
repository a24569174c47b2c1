import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { PortAllocatorService } from '#port-allocator';
import { AdminApi, ApiNeedsToken } from './admin-api.js';

class LeaseDto {
  @ApiProperty({ type: 'integer', example: 8100 })
  port!: number;

  @ApiProperty({ example: 'my-laptop' })
  agent_id!: string;

  @ApiProperty({ format: 'date-time' })
  leased_since!: string;

  @ApiProperty({ example: false, description: 'from agentPorts.static' })
  static!: boolean;
}

/** `GET /ports` */
export class PortsDto {
  @ApiProperty({ type: 'integer', example: 8100, description: 'first port of the range' })
  start!: number;

  @ApiProperty({ type: 'integer', example: 8200, description: 'last port of the range' })
  end!: number;

  @ApiProperty({ type: 'integer', example: 101, description: 'ports of the range that can be leased' })
  total!: number;

  @ApiProperty({ type: 'integer', example: 1 })
  used!: number;

  @ApiProperty({ type: 'integer', example: 100 })
  free!: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'static ports in use' })
  static_used!: number;

  @ApiProperty({ type: [LeaseDto] })
  leases!: LeaseDto[];
}

/** The port range and who holds what. */
@ApiTags('ports')
@AdminApi()
@ApiNeedsToken()
@Controller('ports')
export class PortsController {
  constructor(@Inject(PortAllocatorService) private readonly ports: PortAllocatorService) {}

  @Get()
  @ApiOperation({ summary: 'Figures of the port range, and its leases' })
  @ApiOkResponse({ type: PortsDto })
  show(): PortsDto {
    const { staticUsed, ...figures } = this.ports.figures();
    const leases = this.ports.list().map(({ port, agentId, leasedAt, isStatic }) => ({
      port,
      agent_id: agentId,
      leased_since: new Date(leasedAt).toISOString(),
      static: isStatic,
    }));
    return { ...figures, static_used: staticUsed, leases };
  }
}
