import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigPushes, type ConfigPushesOptions } from '@berth/agent-pool';
import type { Log } from '@berth/observability';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { LifecycleEvents } from '../lifecycle/index.js';
import { configPushConfig } from './config-push.settings.js';
import { tellPushes } from './push-teller.js';

/** Configurations on their way to agents. */
@Module({
  providers: [
    {
      provide: ConfigPushes,
      useFactory: (options: ConfigPushesOptions, events: LifecycleEvents, log: Log) =>
        new ConfigPushes(options, tellPushes(events, log)),
      inject: [configPushConfig.KEY, LifecycleEvents, GATEWAY_LOG],
    },
  ],
  exports: [ConfigPushes],
})
export class ConfigPushModule {
  /**
   * @param config gives settings and log
   * @param lifecycle takes events
   */
  static using(config: DynamicModule, lifecycle: DynamicModule): DynamicModule {
    return { module: ConfigPushModule, imports: [config, lifecycle] };
  }
}
