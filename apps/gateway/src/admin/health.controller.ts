import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService, type HealthCheckResult, HealthIndicatorService } from '@nestjs/terminus';
import { AgentRegistry } from '../agents/index.js';
import { TunnelGrpcServer } from '../tunnel/index.js';
import { OpenTo } from './admin.guard.js';
import { AdminApi } from './admin-api.js';
import { HealthDto, ReadinessDto } from './health.dto.js';

/** Whether the process lives (`/health`), and whether agents can dial in (`/health/ready`). */
@ApiTags('health')
@AdminApi()
@OpenTo('probes')
@Controller('health')
export class HealthController {
  constructor(
    private readonly checks: HealthCheckService,
    private readonly indicator: HealthIndicatorService,
    private readonly registry: AgentRegistry,
    private readonly grpc: TunnelGrpcServer,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The process lives', security: [] })
  @ApiOkResponse({ type: HealthDto })
  getHealth(): HealthDto {
    return { status: 'ok' };
  }

  @Get('ready')
  @HealthCheck({ noCache: true, swaggerDocumentation: false })
  @ApiOperation({ summary: 'Agents can dial in, and no shutdown is under way', security: [] })
  @ApiOkResponse({ type: ReadinessDto })
  @ApiServiceUnavailableResponse({ type: ReadinessDto, description: 'what is down stands in `error`' })
  getReadiness(): Promise<HealthCheckResult> {
    return this.checks.check([
      () => {
        const check = this.indicator.check('grpc');
        return this.grpc.port > 0
          ? check.up({ port: this.grpc.port })
          : check.down({ message: 'the gRPC port does not listen yet' });
      },
      () => {
        const check = this.indicator.check('shutdown');
        return this.registry.closing ? check.down({ message: 'the gateway is shutting down' }) : check.up();
      },
    ]);
  }
}
