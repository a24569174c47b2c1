import { type DynamicModule, Module } from '@nestjs/common';
import { AgentBerths } from './agent-berths.js';

/** Leases and port servers. */
@Module({ providers: [AgentBerths], exports: [AgentBerths] })
export class PortsModule {
  /**
   * @param config gives settings and log
   * @param lifecycle takes events
   * @param allocator grants ports
   * @param builder provides `BerthBuilder`, which makes what listens on them
   */
  static using(
    config: DynamicModule,
    lifecycle: DynamicModule,
    allocator: DynamicModule,
    builder: DynamicModule,
  ): DynamicModule {
    return { module: PortsModule, imports: [config, lifecycle, allocator, builder] };
  }
}
