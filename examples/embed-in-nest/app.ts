import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { INestApplication } from '@nestjs/common';
import {
  AgentRegistry,
  GatewayModule,
  type GatewayExtras,
  type GatewayOptions,
  serveApiDocs,
  TunnelGrpcServer,
} from 'berth-gateway';

/** A controller of your own, beside the gateway; it asks the gateway what it wants to know. */
@Controller('kiosks')
export class KiosksController {
  constructor(private readonly agents: AgentRegistry) {}

  @Get()
  online(): { name: string; address: string }[] {
    return this.agents.list().map(({ id, port, metadata }) => ({
      name: metadata['name'] ?? id,
      address: `http://kiosks.example.org:${port}/`,
    }));
  }
}

/** Starts your application with a gateway in it. */
export async function startKiosks(
  options: GatewayOptions & GatewayExtras,
  port = 3000,
): Promise<{ app: INestApplication; grpcPort: number }> {
  @Module({
    // The gateway's own REST API moves out of the way: /berth/agents, /berth/metrics …
    imports: [GatewayModule.forRoot({ admin: { path: 'berth' }, ...options })],
    controllers: [KiosksController],
  })
  class KiosksModule {}

  const app = await NestFactory.create(KiosksModule, { logger: false, abortOnError: false });
  // Swagger of the gateway's API, at /berth/docs.
  if (options.admin !== false) serveApiDocs(app, 'berth');
  // The gateway's gRPC port starts and stops with the application.
  await app.listen(port, '127.0.0.1');
  return { app, grpcPort: app.get(TunnelGrpcServer).port };
}
