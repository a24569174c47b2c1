import { Counter, type Registry } from 'prom-client';
import { PUSH_STATES } from '../config-push/index.js';
import type { LifecycleEvents } from '../lifecycle/index.js';
import { HEALTH_STATES } from './agent-metrics.js';

/** Reasons that are shown from the start, so that the first one of a kind is an increase; others come as they occur. */
const REASONS = [
  'closed',
  'BERTH_CONNECTION_CLOSED',
  'BERTH_CONNECTION_SILENT',
  'BERTH_CONNECTION_REPLACED',
  'BERTH_CONNECTION_DISCONNECTED',
  'BERTH_PROTOCOL_ERROR',
];
const HANDSHAKE_REASONS = ['plaintext', 'certificate', 'tls', 'protocol', 'timeout', 'flood', 'evicted'];

/** Counts what happens to agents, connections and servers (checklist A17). */
export function countEvents(registry: Registry, events: LifecycleEvents): void {
  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []): Counter<L> =>
    new Counter({ name, help, labelNames, registers: [registry] });
  const connects = counter('berth_agent_connects_total', 'Agents that connected');
  const disconnects = counter('berth_agent_disconnects_total', 'Agents that disconnected', ['reason']);
  const opened = counter('berth_connections_opened_total', 'Connections of agents that went into service');
  const closed = counter('berth_connections_closed_total', 'Connections of agents that ended', ['reason']);
  const failed = counter('berth_handshakes_failed_total', 'Connections ended before a registration', ['reason']);
  const refused = counter('berth_registrations_refused_total', 'Registrations refused', ['code']);
  const health = counter('berth_connection_health_changes_total', 'Changes of what connections are fit for', ['to']);
  const pushes = counter('berth_config_pushes_total', 'Configurations, by what became of them at a replica', ['state']);
  const startFailures = counter('berth_agent_server_start_failures_total', 'Agent servers that could not start');
  const stopFailures = counter('berth_agent_server_stop_failures_total', 'Agent servers that did not stop cleanly');
  for (const reason of REASONS) {
    disconnects.inc({ reason }, 0);
    closed.inc({ reason }, 0);
  }
  for (const reason of HANDSHAKE_REASONS) failed.inc({ reason }, 0);
  for (const to of HEALTH_STATES) health.inc({ to }, 0);
  for (const state of PUSH_STATES) if (state !== 'pending' && state !== 'sent') pushes.inc({ state }, 0);
  events.on('config.settled', ({ state }) => {
    pushes.inc({ state });
  });
  events.on('connection.opened', () => {
    opened.inc();
  });
  events.on('connection.closed', ({ reason }) => {
    closed.inc({ reason });
  });
  events.on('connection.health', ({ to }) => {
    health.inc({ to });
  });
  events.on('agent.connected', () => {
    connects.inc();
  });
  events.on('agent.disconnected', ({ reason }) => {
    disconnects.inc({ reason });
  });
  events.on('handshake.failed', ({ reason }) => {
    failed.inc({ reason });
  });
  events.on('registration.refused', ({ code }) => {
    refused.inc({ code });
  });
  events.on('server.start-failed', () => {
    startFailures.inc();
  });
  events.on('server.stop-failed', () => {
    stopFailures.inc();
  });
}
