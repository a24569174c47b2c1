import { type DynamicModule, Module } from '@nestjs/common';
import { AgentRegistry } from './agent-registry.js';
import { AgentReports } from './agent-reports.js';

/** Which agents there are. */
@Module({ providers: [AgentRegistry, AgentReports], exports: [AgentRegistry] })
export class AgentsModule {
  /**
   * @param config gives settings and log
   * @param lifecycle takes events
   * @param configPush hears which connections there are, and what agents answer
   * @param ports opens and closes the servers of agents
   */
  static using(
    config: DynamicModule,
    lifecycle: DynamicModule,
    configPush: DynamicModule,
    ports: DynamicModule,
  ): DynamicModule {
    return { module: AgentsModule, imports: [config, lifecycle, configPush, ports] };
  }
}
