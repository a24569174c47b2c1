import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { AgentsController } from './agents.controller.js';
import { ErrorFilter } from './error.filter.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { PortsController } from './ports.controller.js';

/** The REST API of the admin port: it reads, and asks others to act. */
@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [AgentsController, PortsController, HealthController, MetricsController],
  providers: [GatewayMetrics, { provide: APP_FILTER, useClass: ErrorFilter }],
  exports: [GatewayMetrics],
})
export class AdminModule {}
