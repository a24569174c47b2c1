import { Counter, type Metric, type Registry } from 'prom-client';
import { latencyMetric } from '@berth/observability';
import type { Agent, AgentRegistry } from '../agents/index.js';

/** Names of the status classes, as their counters are numbered. */
const STATUS_CLASSES = ['other', '1xx', '2xx', '3xx', '4xx', '5xx'];

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
