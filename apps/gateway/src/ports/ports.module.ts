import { type DynamicModule, Module } from '@nestjs/common';
import { AgentBerths } from './agent-berths.js';
import { PortKinds } from './port-kinds.js';

/** Leases and port servers. */
@Module({ providers: [AgentBerths, PortKinds], exports: [AgentBerths, PortKinds] })
export class PortsModule {
  /**
   * @param config gives settings and log
   * @param lifecycle takes events
   * @param allocator grants ports
   */
  static using(config: DynamicModule, lifecycle: DynamicModule, allocator: DynamicModule): DynamicModule {
    return { module: PortsModule, imports: [config, lifecycle, allocator] };
  }
}
