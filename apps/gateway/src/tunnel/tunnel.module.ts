import { type DynamicModule, Module } from '@nestjs/common';
import { EdgeLog } from './edge-log.js';
import { GrpcEdge } from './grpc-edge.js';
import { Handshakes } from './handshake.js';
import { handshakeOptions } from './handshake-options.js';
import { Refusals } from './refusals.js';
import { SiloService } from './silo/silo.service.js';
import { TunnelGrpcServer } from './tunnel-grpc-server.js';
import { TunnelService } from './tunnel.service.js';

/** The gRPC port: from a TCP connection to a registered agent. */
@Module({
  providers: [EdgeLog, GrpcEdge, Refusals, handshakeOptions, Handshakes, TunnelService, SiloService, TunnelGrpcServer],
  exports: [TunnelGrpcServer],
})
export class TunnelModule {
  /**
   * @param config gives settings and log
   * @param lifecycle takes events
   * @param agents takes the connections that have shown their credentials
   * @param ports what they can be given: `PortAllocatorService`
   */
  static using(
    config: DynamicModule,
    lifecycle: DynamicModule,
    agents: DynamicModule,
    ...ports: DynamicModule[]
  ): DynamicModule {
    return { module: TunnelModule, imports: [config, lifecycle, agents, ...ports] };
  }
}
