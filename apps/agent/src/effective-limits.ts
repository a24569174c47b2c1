import type { AgentSettings } from './agent-settings.js';
import { connectionCapacity, descriptorLimit } from '@berth/node-runtime';
import type { Log } from '@berth/observability';

/** Exchanges of one connection where nothing else limits them; more is rarely one agent's work. */
const MAX_EXCHANGES = 32_768;

/**
 * The settings with their limits as numbers: 0 becomes what the process can
 * hold. Warns of what is set above it.
 *
 * @param descriptors that the process may have open
 * @param capacity connections that it can hold
 */
export function effectiveLimits(
  settings: AgentSettings,
  log: Log,
  descriptors = descriptorLimit(),
  capacity = connectionCapacity(descriptors),
): AgentSettings {
  const { local, tunnel } = settings;
  const maxConnections = local.maxConnections || capacity;
  if (maxConnections > descriptors) {
    log.warn(
      { setting: 'local.maxConnections', value: maxConnections, descriptors, advised: capacity },
      'more connections are allowed than the process may have descriptors: raise the limit (LimitNOFILE, ulimit -n) or lower the setting',
    );
  }
  const most = settings.maxConcurrency || Infinity;
  const maxExchanges = Math.min(tunnel.maxExchanges || Math.min(MAX_EXCHANGES, capacity), most);
  return { ...settings, local: { ...local, maxConnections }, tunnel: { ...tunnel, maxExchanges } };
}
