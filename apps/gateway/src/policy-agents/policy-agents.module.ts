import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Frozen } from '@berth/config';
import type { Log } from '@berth/observability';
import type { RecordStore } from '@berth/state';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { LifecycleEvents } from '../lifecycle/index.js';
import { ConfigReload, LiveSettings } from '../reload/index.js';
import { STATE } from '../state/index.js';
import { AgentRecords } from './agent-records.js';
import { misfit } from './listener-rules.js';
import { makeAgent } from './make-agent.js';
import { PolicyAgents } from './policy-agents.js';
import {
  inspectionConfig,
  type InspectionSettings,
  policyAgentsConfig,
  type PolicyAgentsSettings,
  policyListenerConfig,
  type PolicyListenerSettings,
} from './policy-agents.settings.js';
import { PolicyDoor } from './policy-door.js';

/** The part of all settings that is replaced as a whole. */
interface HasAgents {
  readonly policyAgents: PolicyAgentsSettings;
}

/** Programs that judge traffic: who they are, how they are reached, and what they said. */
@Module({
  providers: [
    {
      provide: PolicyAgents,
      useFactory: async (
        settings: PolicyAgentsSettings,
        listener: Frozen<PolicyListenerSettings>,
        { maxTotalHeldBytes }: Frozen<InspectionSettings>,
        live: LiveSettings,
        reloads: ConfigReload,
        store: RecordStore,
        events: LifecycleEvents,
        log: Log,
      ) => {
        const records = await new AgentRecords(store, log).load();
        const reload = (): void => {
          reloads.reload();
        };
        const fits = (_: string, agent: Parameters<typeof misfit>[0]) => misfit(agent, listener);
        const agents = new PolicyAgents(
          settings,
          records,
          { make: makeAgent, reload, events, log },
          fits,
          maxTotalHeldBytes,
        );
        live.onChange((changed) => {
          const { inspection, policyAgents } = live.root as HasAgents & { inspection: InspectionSettings };
          if (changed.has('policyAgents')) agents.replaceSettings(policyAgents);
          agents.held.most = inspection.maxTotalHeldBytes;
        });
        return agents;
      },
      inject: [
        ...[policyAgentsConfig.KEY, policyListenerConfig.KEY, inspectionConfig.KEY],
        ...[LiveSettings, ConfigReload, STATE, LifecycleEvents, GATEWAY_LOG],
      ],
    },
    {
      provide: PolicyDoor,
      useFactory: (settings: Frozen<PolicyListenerSettings>, agents: PolicyAgents, log: Log) =>
        new PolicyDoor(settings, agents, log),
      inject: [policyListenerConfig.KEY, PolicyAgents, GATEWAY_LOG],
    },
  ],
  exports: [PolicyAgents, PolicyDoor],
})
export class PolicyAgentsModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(PolicyAgents) private readonly agents: PolicyAgents,
    @Inject(PolicyDoor) private readonly door: PolicyDoor,
  ) {}

  /**
   * @param config gives settings and log
   * @param lifecycle takes events
   * @param state where changes of operators are kept
   */
  static using(config: DynamicModule, lifecycle: DynamicModule, state: DynamicModule): DynamicModule {
    return { module: PolicyAgentsModule, imports: [config, lifecycle, state] };
  }

  async onApplicationBootstrap(): Promise<void> {
    this.agents.start();
    await this.door.open();
  }

  /** After the exchanges, which `beforeApplicationShutdown` ends. */
  async onApplicationShutdown(): Promise<void> {
    await this.door.close();
    await this.agents.close();
  }
}
