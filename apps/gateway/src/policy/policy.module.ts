import { type DynamicModule, Module } from '@nestjs/common';
import type { Log } from '@berth/observability';
import type { RecordStore } from '@berth/state';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { agentPortsConfig } from '../ports/index.js';
import { PolicyAgents } from '../policy-agents/index.js';
import { LiveSettings } from '../reload/index.js';
import { STATE } from '../state/index.js';
import type { PolicyLayer } from './policy-layers.js';
import { PolicyRecords } from './policy-records.js';
import { entriesOf } from './policy-schema.js';
import { type PoliciesSettings, policyConfig } from './policy.settings.js';
import { PortPolicies } from './port-policies.js';

/** The part of all settings that is replaced as a whole. */
interface HasPolicies {
  readonly policies: PoliciesSettings;
}

interface PortsOptions {
  readonly corsOrigins: readonly string[];
}

/** Rules of ports: what the settings and operators say, and the handlers that follow from it. */
@Module({
  providers: [
    {
      provide: PortPolicies,
      useFactory: async (
        settings: PoliciesSettings,
        ports: PortsOptions,
        live: LiveSettings,
        store: RecordStore,
        agents: PolicyAgents,
        log: Log,
      ) => {
        const records = await new PolicyRecords(store, log).load();
        const policies = new PortPolicies(settings, records, log, agents, corsOf(ports));
        live.onChange((changed) => {
          if (changed.has('policies') || changed.has('agentPorts.corsOrigins'))
            policies.replaceSettings((live.root as HasPolicies).policies, corsOf(ports));
          if ([...changed].some((path) => /^(ingress|agentPorts|accessLog)[.]/.test(path))) policies.reapply();
        });
        return policies;
      },
      inject: [policyConfig.KEY, agentPortsConfig.KEY, LiveSettings, STATE, PolicyAgents, GATEWAY_LOG],
    },
  ],
  exports: [PortPolicies],
})
export class PolicyModule {
  /**
   * @param config gives settings and log
   * @param state where changes of operators are kept
   * @param policyAgents gives the agents that policies name
   */
  static using(config: DynamicModule, state: DynamicModule, policyAgents: DynamicModule): DynamicModule {
    return { module: PolicyModule, imports: [config, state, policyAgents] };
  }
}

/** Older than policies, and one of them now. */
function corsOf({ corsOrigins }: PortsOptions): PolicyLayer[] {
  const part = corsOrigins.length === 0 ? {} : { cors: { origins: corsOrigins } };
  return [{ entries: entriesOf(part), source: 'agentPorts.corsOrigins' }];
}
