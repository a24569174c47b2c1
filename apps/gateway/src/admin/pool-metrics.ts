import { Gauge, type Registry } from 'prom-client';
import type { AgentRegistry } from '../agents/index.js';
import { STATES } from './agent.dto.js';
import { labelsOf, servicesOf } from './agent-metrics.js';

/** Of connections that are in a pool. */
export const HEALTH_STATES = STATES.filter((state) => state !== 'connecting');

/** How the connections of each agent are now, asked of the connections themselves. */
export function showPools(registry: Registry, agents: AgentRegistry): void {
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    read: (it: Gauge<L>) => void,
  ): Gauge<L> =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        read(this);
      },
    });
  const ofService = ['agent', 'service'] as const;
  const states = 'Connections that lead to a local service, by what they are fit for';
  gauge('berth_agent_connections', states, [...ofService, 'state'], (it) => {
    for (const service of servicesOf(agents)) {
      const labels = labelsOf(service);
      for (const state of HEALTH_STATES) it.set({ ...labels, state }, 0);
      for (const { health } of service.connections.members) {
        if (health.state !== 'connecting') it.inc({ ...labels, state: health.state });
      }
    }
  });
  gauge('berth_agent_waiting', 'Requests that wait for room, or the end of a pause', [...ofService], (it) => {
    for (const service of servicesOf(agents)) it.set(labelsOf(service), service.admission.waiting);
  });
  gauge('berth_agent_in_flight', 'Exchanges of an agent under way', ['agent'], (it) => {
    for (const { id, inFlight } of agents.list()) it.set({ agent: id }, inFlight);
  });
  gauge('berth_agent_round_trip_seconds', 'Round trip of the last ping, of the slowest connection', ['agent'], (it) => {
    for (const { connections, id } of agents.list())
      it.set({ agent: id }, Math.max(0, ...connections.map(({ lastRoundTripMs }) => lastRoundTripMs)) / 1000);
  });
  gauge('berth_agent_series', 'Lines that an agent has in these metrics', ['agent'], (it) => {
    for (const { id, reported } of agents.list()) it.set({ agent: id }, reported.size);
  });
  gauge('berth_agent_pending_bytes', 'Body bytes that wait on the way to an agent', ['agent'], (it) => {
    for (const { id, connections } of agents.list()) {
      let bytes = 0;
      for (const connection of connections)
        for (const { pendingBytes } of connection.exchanges()) bytes += pendingBytes;
      it.set({ agent: id }, bytes);
    }
  });
}
