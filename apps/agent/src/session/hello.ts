import { randomBytes } from 'node:crypto';
import { AGENT_FEATURES, CREDIT_RETURN_FEATURE, type Hello, PROTOCOL_VERSION } from '@berth/tunnel-protocol';
import type { AgentSettings } from '../agent-settings.js';
import { helloOffers, offersOf } from '../service-offers.js';
import { shareOf } from './shares.js';

/**
 * What all connections of this process say of it.
 *
 * @param takesConfig whether there is somebody for configurations that a gateway pushes
 */
export function helloOf(settings: AgentSettings, version: string, takesConfig: boolean): Hello {
  const { local, metrics, tunnel } = settings;
  return {
    versions: [PROTOCOL_VERSION],
    agentId: settings.id,
    token: settings.token,
    features: [
      'upgrade',
      CREDIT_RETURN_FEATURE,
      AGENT_FEATURES.flow,
      AGENT_FEATURES.services,
      ...(local.checkIntervalMs > 0 ? [AGENT_FEATURES.health] : []),
      ...(metrics.reportIntervalMs > 0 ? [AGENT_FEATURES.metrics] : []),
      ...(takesConfig ? [AGENT_FEATURES.config] : []),
    ],
    limits: { maxExchanges: tunnel.maxExchanges, initialWindowBytes: tunnel.windowStartBytes },
    connections: settings.connections,
    metadata: settings.metadata,
    instanceId: randomBytes(12).toString('hex'),
    softwareVersion: version,
    portKind: 'http',
    services: helloOffers(offersOf(settings)),
  };
}

/**
 * The Hello of one connection: with its part of `maxConcurrency`, which holds
 * until the gateway is told how many connections there are.
 *
 * @param slot number of the connection among those that the agent keeps, from 0
 */
export function helloFor(
  slot: number,
  hello: Hello,
  { maxConcurrency, connections }: Pick<AgentSettings, 'maxConcurrency' | 'connections'>,
): Hello {
  if (maxConcurrency === 0) return hello;
  const share = Math.min(hello.limits.maxExchanges, shareOf(maxConcurrency, connections, slot));
  // 0 is no limit that a Hello may have.
  return { ...hello, limits: { ...hello.limits, maxExchanges: Math.max(1, share) } };
}
