import { Controller, Get, Header, Inject, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthCheck, HealthCheckService, TerminusModule, type HealthCheckResult } from '@nestjs/terminus';
import {
  ServicesHealthIndicator,
  ServicesMetrics,
  ServicesModule,
  type ServicesModuleOptions,
} from 'berth-services-nest';
import { Greeter, GreetingsModule } from './greeter.js';

/** Metrics and health where your application wants them. */
@Controller()
export class MonitoringController {
  constructor(
    @Inject(ServicesMetrics) private readonly metrics: ServicesMetrics,
    @Inject(HealthCheckService) private readonly checks: HealthCheckService,
    @Inject(ServicesHealthIndicator) private readonly services: ServicesHealthIndicator,
  ) {}

  @Get('metrics')
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  show(): Promise<string> {
    return this.metrics.text();
  }

  @Get('health')
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.checks.check([() => this.services.isHealthy('services')]);
  }
}

/** Starts your application with a function server and an agent in it. */
export async function startGreeter(options: ServicesModuleOptions = {}, port = 3000): Promise<INestApplication> {
  @Module({
    imports: [
      ServicesModule.forRoot({
        services: [Greeter],
        imports: [GreetingsModule],
        server: { port: 8090 },
        agents: [Greeter],
        ...options,
      }),
      TerminusModule.forRoot({ logger: false }),
    ],
    controllers: [MonitoringController],
  })
  class AppModule {}

  const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
  app.enableShutdownHooks();
  await app.listen(port, '127.0.0.1');
  return app;
}
