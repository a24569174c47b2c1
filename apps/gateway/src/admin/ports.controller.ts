import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { PortAllocatorService } from '@berth/port-allocator';
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

class ForeignPortDto {
  @ApiProperty({ type: 'integer', example: 8100 })
  port!: number;

  @ApiProperty({ format: 'date-time', description: 'when another program was found to hold it' })
  found_at!: string;
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

  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'ports of the range that other programs hold; neither used nor free',
  })
  foreign!: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'static ports in use' })
  static_used!: number;

  @ApiProperty({ type: [LeaseDto] })
  leases!: LeaseDto[];

  @ApiProperty({
    type: [ForeignPortDto],
    description: 'held by other programs when they were tried; passed over for agentPorts.foreignMs',
  })
  foreign_ports!: ForeignPortDto[];
}

/** The port range and who holds what. */
@ApiTags('ports')
@AdminApi()
@ApiNeedsToken()
@Controller('ports')
export class PortsController {
  constructor(private readonly ports: PortAllocatorService) {}

  @Get()
  @ApiOperation({ summary: 'Figures of the port range, its leases, and ports that other programs hold' })
  @ApiOkResponse({ type: PortsDto })
  show(): PortsDto {
    const { staticUsed, ...figures } = this.ports.figures();
    const leases = this.ports.list().map(({ port, agentId, leasedAt, isStatic }) => ({
      port,
      agent_id: agentId,
      leased_since: new Date(leasedAt).toISOString(),
      static: isStatic,
    }));
    const foreign = this.ports
      .foreign()
      .map(({ port, foundAt }) => ({ port, found_at: new Date(foundAt).toISOString() }));
    return { ...figures, static_used: staticUsed, leases, foreign_ports: foreign };
  }
}
