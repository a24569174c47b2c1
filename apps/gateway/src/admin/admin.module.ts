import { type DynamicModule, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { AdminAccess } from './admin-access.js';
import { AdminGuard } from './admin.guard.js';
import { AgentList } from './agent-list.js';
import { AgentPortsController } from './agent-ports.controller.js';
import { AgentsController } from './agents.controller.js';
import { ConfigPushController } from './config-push.controller.js';
import { ConfigReloadController } from './config-reload.controller.js';
import { ErrorFilter } from './error.filter.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { PolicyController } from './policy.controller.js';
import { PolicyAgentsController } from './policy-agents.controller.js';
import { PolicyPushesController } from './policy-pushes.controller.js';
import { PortsController } from './ports.controller.js';
import { ServersController } from './servers.controller.js';

/** The REST API of the admin port: it reads, and asks others to act. */
@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [
    AgentsController,
    AgentPortsController,
    ConfigPushController,
    ConfigReloadController,
    PolicyController,
    PolicyAgentsController,
    PolicyPushesController,
    PortsController,
    ServersController,
    HealthController,
    MetricsController,
  ],
  providers: [AdminAccess, AgentList, AdminGuard, GatewayMetrics, ErrorFilter],
  exports: [AdminAccess, GatewayMetrics, ErrorFilter],
})
export class AdminModule {
  /**
   * @param config gives settings and log
   * @param lifecycle tells what is counted
   * @param agents what is listed
   * @param configPush takes configurations for agents
   * @param tunnel tells whether agents can dial in
   * @param ports what agents can be given: `PortAllocatorService` and `AgentHttpServerFactory`
   */
  static using(
    config: DynamicModule,
    lifecycle: DynamicModule,
    agents: DynamicModule,
    configPush: DynamicModule,
    tunnel: DynamicModule,
    ...ports: DynamicModule[]
  ): DynamicModule {
    return { module: AdminModule, imports: [config, lifecycle, agents, configPush, tunnel, ...ports] };
  }
}
