import { type DynamicModule, Module } from '@nestjs/common';
import type { Frozen } from '@berth/config';
import type { Log } from '@berth/observability';
import type { RecordStore } from '@berth/state';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { LifecycleEvents } from '../lifecycle/index.js';
import { STATE } from '../state/index.js';
import { AbsentAgents } from './absent-agents.js';
import { AgentRegistry } from './agent-registry.js';
import { AgentReports } from './agent-reports.js';
import { agentsConfig, type AgentsSettings } from './agents.settings.js';

/** Which agents there are, and which were there. */
@Module({
  providers: [
    AgentRegistry,
    AgentReports,
    {
      provide: AbsentAgents,
      useFactory: (store: RecordStore, events: LifecycleEvents, options: Frozen<AgentsSettings>, log: Log) =>
        new AbsentAgents(store, events, options, log).load(),
      inject: [STATE, LifecycleEvents, agentsConfig.KEY, GATEWAY_LOG],
    },
  ],
  exports: [AgentRegistry, AbsentAgents],
})
export class AgentsModule {
  /**
   * @param config gives settings and log
   * @param lifecycle takes events
   * @param state keeps who was there
   * @param configPush hears which connections there are, and what agents answer
   * @param ports opens and closes the servers of agents
   */
  static using(
    config: DynamicModule,
    lifecycle: DynamicModule,
    state: DynamicModule,
    configPush: DynamicModule,
    ports: DynamicModule,
  ): DynamicModule {
    return { module: AgentsModule, imports: [config, lifecycle, state, configPush, ports] };
  }
}
