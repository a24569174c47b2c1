import { Controller, Get, Header, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { OpenTo } from './admin.guard.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { AdminApi, ApiNeedsToken } from './admin-api.js';

@ApiTags('metrics')
@AdminApi()
@ApiNeedsToken()
@OpenTo('metrics')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: GatewayMetrics) {}

  @Get()
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  @ApiOperation({ summary: 'Prometheus metrics', description: 'Without the token where `admin.openMetrics` is true.' })
  @ApiProduces('text/plain')
  @ApiOkResponse({ schema: { type: 'string' }, description: 'Prometheus text format 0.0.4' })
  async getMetrics(): Promise<StreamableFile> {
    return new StreamableFile(await this.metrics.text());
  }
}
