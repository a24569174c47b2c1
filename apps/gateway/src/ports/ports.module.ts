import { type DynamicModule, Module } from '@nestjs/common';
import { AgentBerths } from './agent-berths.js';
import { PortKinds } from './port-kinds.js';
import { PortPins } from './port-pins.js';
import { ServerCare } from './server-care.js';

/** Leases and port servers. */
@Module({
  providers: [AgentBerths, PortKinds, PortPins, ServerCare],
  exports: [AgentBerths, PortKinds, PortPins, ServerCare],
})
export class PortsModule {
  /**
   * @param config gives settings and log
   * @param lifecycle takes events
   * @param allocator grants ports
   * @param leases keeps what it grants
   * @param servers has the HTTP servers of the process
   */
  static using(
    config: DynamicModule,
    lifecycle: DynamicModule,
    allocator: DynamicModule,
    leases: DynamicModule,
    servers: DynamicModule,
  ): DynamicModule {
    return { module: PortsModule, imports: [config, lifecycle, allocator, leases, servers] };
  }
}
