import { Counter, Gauge, type Metric, type Registry } from 'prom-client';
import type { HealthState } from '@berth/agent-pool';
import { latencyMetric } from '@berth/observability';
import type { Agent, AgentRegistry } from '../agents/index.js';
import { REJECTIONS } from '../reported-metrics/index.js';

/** Names of the status classes, as their counters are numbered. */
const STATUS_CLASSES = ['other', '1xx', '2xx', '3xx', '4xx', '5xx'];

/** Of connections that are in a pool. */
export const HEALTH_STATES = [
  'healthy',
  'degraded',
  'paused',
  'draining',
  'unhealthy',
] as const satisfies HealthState[];

/** What each agent's exchanges came to: plain fields of the data path, read when somebody asks. */
export function showAgents(registry: Registry, agents: AgentRegistry): void {
  const counter = <L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    read: (it: Counter<L | 'agent'>, agent: Agent) => void,
  ): Counter<L | 'agent'> =>
    new Counter({
      name,
      help,
      labelNames: ['agent', ...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        for (const agent of agents.list()) read(this, agent);
      },
    });
  const figure = (name: string, help: string, of: (agent: Agent) => number): void => {
    counter(name, help, [], (it, agent) => {
      it.inc({ agent: agent.id }, of(agent));
    });
  };
  figure('berth_agent_requests_total', 'Requests to an agent, since it connected', ({ stats }) => stats.requests);
  figure('berth_agent_errors_total', 'Requests that Berth had to answer itself', ({ stats }) => stats.errors);
  figure('berth_agent_upgrades_total', 'Upgrades, WebSocket among them', ({ stats }) => stats.upgrades);
  figure('berth_agent_retries_total', 'Requests that were tried once more', ({ stats }) => stats.retries);
  figure(
    'berth_agent_retries_refused_total',
    'Requests that were not tried once more, because too many are',
    ({ stats }) => stats.retriesRefused,
  );
  figure('berth_agent_request_bytes_total', 'Body bytes, client to service', ({ stats }) => stats.bytesIn);
  figure('berth_agent_response_bytes_total', 'Body bytes, service to client', ({ stats }) => stats.bytesOut);
  counter('berth_agent_errors_by_code_total', 'The same by what was wrong', ['code'], (it, { id, stats }) => {
    for (const [code, count] of stats.errorCodes) it.inc({ agent: id, code }, count);
  });
  counter('berth_agent_signals_total', 'What an agent has sent beside exchanges', ['signal'], (it, { id, signals }) => {
    for (const [signal, count] of Object.entries(signals)) it.inc({ agent: id, signal }, count);
  });
  figure(
    'berth_agent_flow_rejections_total',
    'Requests that met a pause of the agent: refused, or sent all the same',
    ({ admission }) => admission.flowRejections,
  );
  counter('berth_agent_series_rejected_total', 'Series in reports that were not taken', ['reason'], (it, agent) => {
    for (const reason of REJECTIONS) it.inc({ agent: agent.id, reason }, agent.reported.rejected[reason]);
  });
  figure(
    'berth_agent_reports_passed_over_total',
    'Reports of metrics that came too often to be read',
    ({ reported }) => reported.passedOver,
  );
  counter('berth_agent_responses_total', 'Answers by class of their status', ['class'], (it, { id, stats }) => {
    for (const [i, name] of STATUS_CLASSES.entries()) it.inc({ agent: id, class: name }, stats.statusClasses[i] ?? 0);
  });
  const cancelled = 'Exchanges that were cut off before their end, by reason';
  counter('berth_agent_cancelled_total', cancelled, ['reason'], (it, { id, stats }) => {
    for (const [reason, count] of Object.entries(stats.cancelled)) it.inc({ agent: id, reason }, count as number);
  });
  const latency = (name: string, help: string, of: 'latency' | 'firstByte'): void => {
    const read = () => agents.list().map(({ id, stats }) => ({ labels: { agent: id }, latency: stats[of] }));
    registry.registerMetric(latencyMetric(name, help, read) as Metric);
  };
  latency('berth_agent_request_duration_seconds', 'From the head of a request to the end of its answer', 'latency');
  latency(
    'berth_agent_time_to_first_byte_seconds',
    "From the head of a request to the head of the service's answer",
    'firstByte',
  );
}

/** How the connections of each agent are now, asked of the connections themselves. */
export function showPools(registry: Registry, agents: AgentRegistry): void {
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    read: (it: Gauge<L | 'agent'>, agent: Agent) => void,
  ): Gauge<L | 'agent'> =>
    new Gauge({
      name,
      help,
      labelNames: ['agent', ...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        for (const agent of agents.list()) read(this, agent);
      },
    });
  gauge('berth_agent_connections', 'Connections of an agent, by what they are fit for', ['state'], (it, agent) => {
    for (const state of HEALTH_STATES) it.set({ agent: agent.id, state }, 0);
    for (const { health } of agent.connections.members) {
      if (health.state !== 'connecting') it.inc({ agent: agent.id, state: health.state });
    }
  });
  gauge('berth_agent_in_flight', 'Exchanges of an agent under way', [], (it, { id, connections }) => {
    it.set({ agent: id }, connections.inFlight);
  });
  gauge('berth_agent_waiting', 'Requests that wait for room, or the end of a pause', [], (it, { id, admission }) => {
    it.set({ agent: id }, admission.waiting);
  });
  gauge('berth_agent_series', 'Lines that an agent has in these metrics', [], (it, { id, reported }) => {
    it.set({ agent: id }, reported.size);
  });
  gauge('berth_agent_pending_bytes', 'Body bytes that wait on the way to an agent', [], (it, { id, connections }) => {
    let bytes = 0;
    for (const connection of connections.all)
      for (const { pendingBytes } of connection.exchanges()) bytes += pendingBytes;
    it.set({ agent: id }, bytes);
  });
}
