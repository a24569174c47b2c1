import { type DynamicModule, Module } from '@nestjs/common';
import type { Log } from '@berth/observability';
import type { RecordStore } from '@berth/state';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { LiveSettings } from '../reload/index.js';
import { STATE } from '../state/index.js';
import { PolicyRecords } from './policy-records.js';
import { type PoliciesSettings, policyConfig } from './policy.settings.js';
import { PortPolicies } from './port-policies.js';

/** The part of all settings that is replaced as a whole. */
interface HasPolicies {
  readonly policies: PoliciesSettings;
}

/** Rules of ports: what the settings and operators say, and the handlers that follow from it. */
@Module({
  providers: [
    {
      provide: PortPolicies,
      useFactory: async (settings: PoliciesSettings, live: LiveSettings, store: RecordStore, log: Log) => {
        const policies = new PortPolicies(settings, await new PolicyRecords(store, log).load(), log);
        live.onChange((changed) => {
          if (changed.has('policies')) policies.replaceSettings((live.root as HasPolicies).policies);
          if ([...changed].some((path) => /^(ingress|agentPorts)[.]/.test(path))) policies.reapply();
        });
        return policies;
      },
      inject: [policyConfig.KEY, LiveSettings, STATE, GATEWAY_LOG],
    },
  ],
  exports: [PortPolicies],
})
export class PolicyModule {
  /**
   * @param config gives settings and log
   * @param state where changes of operators are kept
   */
  static using(config: DynamicModule, state: DynamicModule): DynamicModule {
    return { module: PolicyModule, imports: [config, state] };
  }
}
