import { type DynamicModule, Module } from '@nestjs/common';
import { AgentRegistry } from './agent-registry.js';

/** Which agents there are. */
@Module({ providers: [AgentRegistry], exports: [AgentRegistry] })
export class AgentsModule {
  /**
   * @param config gives settings and log
   * @param lifecycle takes events
   * @param ports opens and closes the servers of agents
   */
  static using(config: DynamicModule, lifecycle: DynamicModule, ports: DynamicModule): DynamicModule {
    return { module: AgentsModule, imports: [config, lifecycle, ports] };
  }
}
