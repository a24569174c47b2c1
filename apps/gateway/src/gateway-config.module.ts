import { ConfigurableModuleBuilder, Module, type Provider } from '@nestjs/common';
import type { DeepPartial, LoadInput } from '@berth/config';
import { createLogger, type Log } from '@berth/observability';
import { accessLogConfig } from './access-log/index.js';
import { adminConfig, httpConfig } from './admin/index.js';
import { agentsConfig } from './agents/index.js';
import { configPushConfig } from './config-push/index.js';
import { effectiveLimits } from './effective-limits.js';
import {
  defaultGatewaySettings,
  GATEWAY,
  type GatewayConfig,
  gatewayLookup,
  type GatewaySettings,
} from './gateway-settings.js';
import { GATEWAY_LOG, GATEWAY_SETTINGS } from './gateway.tokens.js';
import { ingressConfig } from './ingress/index.js';
import { portTlsConfig } from './certificates/index.js';
import { agentPortsConfig, portRangeConfig } from './ports/index.js';
import { inspectionConfig, policyAgentsConfig, policyListenerConfig } from './policy-agents/index.js';
import { policyConfig } from './policy/index.js';
import { ConfigReload, LiveSettings } from './reload/index.js';
import { stateConfig } from './state/index.js';
import { tracingConfig } from './tracing/index.js';
import { authConfig, grpcConfig, tunnelConfig } from './tunnel/index.js';

/** What an application says to its gateway. */
export interface GatewayOptions {
  /** what differs from the defaults; see docs/configuration.md */
  settings?: DeepPartial<GatewaySettings>;
  /** takes the gateway's log; default: JSON lines on stdout */
  log?: Log;
}

/** Settings that are complete and checked, and where they go. */
export interface CheckedOptions {
  checked: GatewaySettings;
  log: Log;
  /** where they were looked up, so that it can be done again; undefined: they are from code */
  input?: LoadInput | undefined;
}

/** @throws BerthError `BERTH_CONFIG_INVALID` naming every wrong setting */
export function checkedOptions({ settings, log }: GatewayOptions): CheckedOptions {
  const checked = defaultGatewaySettings(settings);
  return { checked, log: log ?? createLogger('gateway', checked.log) };
}

const CHECKED = Symbol('CHECKED');

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<
  GatewayOptions | CheckedOptions
>().build();

/** Which part of the settings each room is given, under the key that it has declared beside its class. */
const GROUPS: readonly [key: string | symbol, group: (settings: GatewaySettings) => object][] = [
  [portRangeConfig.KEY, ({ http }) => http.agentPortRange],
  [agentPortsConfig.KEY, ({ agentPorts }) => agentPorts],
  [stateConfig.KEY, ({ state }) => state],
  [agentsConfig.KEY, ({ tunnel }) => tunnel],
  [configPushConfig.KEY, ({ configPush }) => configPush],
  [tracingConfig.KEY, ({ tracing }) => tracing],
  [accessLogConfig.KEY, ({ accessLog }) => accessLog],
  [ingressConfig.KEY, ({ ingress }) => ingress],
  [policyConfig.KEY, ({ policies }) => policies],
  [policyAgentsConfig.KEY, ({ policyAgents }) => policyAgents],
  [policyListenerConfig.KEY, ({ policyListener }) => policyListener],
  [inspectionConfig.KEY, ({ inspection }) => inspection],
  [portTlsConfig.KEY, ({ ingress }) => ingress.tls],
  [tunnelConfig.KEY, ({ tunnel }) => tunnel],
  [grpcConfig.KEY, ({ grpc }) => grpc],
  [authConfig.KEY, ({ auth }) => auth],
  [httpConfig.KEY, ({ http }) => http],
  [adminConfig.KEY, ({ admin }) => admin],
];

const PROVIDERS: Provider[] = [
  {
    provide: CHECKED,
    useFactory: (options: GatewayOptions | CheckedOptions) =>
      'checked' in options ? options : checkedOptions(options),
    inject: [MODULE_OPTIONS_TOKEN],
  },
  { provide: GATEWAY_LOG, useFactory: ({ log }: CheckedOptions) => log, inject: [CHECKED] },
  {
    provide: LiveSettings,
    useFactory: ({ checked }: CheckedOptions, log: Log) => new LiveSettings(GATEWAY, effectiveLimits(checked, log)),
    inject: [CHECKED, GATEWAY_LOG],
  },
  { provide: GATEWAY_SETTINGS, useFactory: ({ root }: LiveSettings) => root, inject: [LiveSettings] },
  {
    provide: ConfigReload,
    useFactory: ({ checked, input }: CheckedOptions, live: LiveSettings, log: Log) =>
      new ConfigReload<GatewayConfig>(
        input && gatewayLookup(checked, input),
        live,
        (settings) => effectiveLimits(settings, log),
        log,
      ),
    inject: [CHECKED, LiveSettings, GATEWAY_LOG],
  },
  ...GROUPS.map(([provide, useFactory]) => ({ provide, useFactory, inject: [GATEWAY_SETTINGS] })),
];

/**
 * Settings and log of one gateway, for its rooms alone: an application may have
 * a `ConfigModule` of its own, and nothing here is seen by it or sees it.
 */
@Module({
  providers: PROVIDERS,
  exports: [GATEWAY_SETTINGS, GATEWAY_LOG, LiveSettings, ConfigReload, ...GROUPS.map(([key]) => key)],
})
export class GatewayConfigModule extends ConfigurableModuleClass {}
