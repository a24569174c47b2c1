import { type DynamicModule, Module } from '@nestjs/common';
import { AgentBerths } from './agent-berths.js';
import { PortKinds } from './port-kinds.js';
import { PortPins } from './port-pins.js';

/** Leases and port servers. */
@Module({ providers: [AgentBerths, PortKinds, PortPins], exports: [AgentBerths, PortKinds, PortPins] })
export class PortsModule {
  /**
   * @param config gives settings and log
   * @param lifecycle takes events
   * @param allocator grants ports
   * @param leases keeps what it grants
   */
  static using(
    config: DynamicModule,
    lifecycle: DynamicModule,
    allocator: DynamicModule,
    leases: DynamicModule,
  ): DynamicModule {
    return { module: PortsModule, imports: [config, lifecycle, allocator, leases] };
  }
}
