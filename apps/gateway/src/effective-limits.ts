import type { GatewaySettings } from './gateway-settings.js';
import { connectionCapacity, descriptorLimit } from '@berth/node-runtime';
import type { Log } from '@berth/observability';

/** Client connections of one port where nothing else limits them. */
const MAX_PER_PORT = 32_768;
/** And of one address on it; an address has no more ports than this to connect from by default. */
const MAX_PER_ADDRESS = 16_384;
/** What one port may take of all connections, and one address of a port's: the rest is for the others. */
const SHARE = 7 / 8;

/** Of the descriptors, what connections to the admin port may take. */
const ADMIN_SHARE = 1 / 16;

/** Of the descriptors, what connections to the gRPC port without an agent may take. */
const NEWCOMERS_SHARE = 1 / 16;

/** Connections that the admin port takes at a time: a flood there must not cut agents off either. */
export function adminConnections(descriptors = descriptorLimit()): number {
  return Math.max(4, Math.floor(descriptors * ADMIN_SHARE));
}

/**
 * The settings with their limits of client connections as numbers: 0 becomes
 * what the process can hold. Warns of what is set above it. Connections without
 * an agent never get more than their part, so that clients keep theirs.
 *
 * @param descriptors that the process may have open
 * @param capacity connections that it can hold
 */
export function effectiveLimits(
  settings: GatewaySettings,
  log: Log,
  descriptors = descriptorLimit(),
  capacity = connectionCapacity(descriptors),
): GatewaySettings {
  const { agentPorts, tunnel } = settings;
  const maxTotalConnections = agentPorts.maxTotalConnections || capacity;
  const maxConnections = agentPorts.maxConnections || share(maxTotalConnections, MAX_PER_PORT);
  const maxConnectionsPerAddress = agentPorts.maxConnectionsPerAddress || share(maxConnections, MAX_PER_ADDRESS);
  const given = { maxTotalConnections: agentPorts.maxTotalConnections, maxConnections: agentPorts.maxConnections };
  for (const [name, value] of Object.entries(given)) {
    if (value <= capacity) continue;
    log.warn(
      { setting: `agentPorts.${name}`, value, descriptors, advised: capacity },
      'more client connections are allowed than the process can hold beside agents and the admin port: raise its descriptors (LimitNOFILE, ulimit -n) or lower the setting',
    );
  }
  const newcomers = Math.max(4, Math.floor(descriptors * NEWCOMERS_SHARE));
  const maxPendingHandshakes = Math.min(tunnel.maxPendingHandshakes, newcomers);
  const maxPendingHandshakesPerAddress = Math.min(tunnel.maxPendingHandshakesPerAddress, newcomers);
  return {
    ...settings,
    agentPorts: { ...agentPorts, maxTotalConnections, maxConnections, maxConnectionsPerAddress },
    tunnel: { ...tunnel, maxPendingHandshakes, maxPendingHandshakesPerAddress },
  };
}

function share(of: number, most: number): number {
  return Math.max(1, Math.min(most, Math.floor(of * SHARE)));
}
