import { Counter, type Metric, type Registry } from 'prom-client';
import { latencyMetric } from '@berth/observability';
import type { Agent, AgentRegistry, LocalService } from '../agents/index.js';
import { REJECTIONS } from '../reported-metrics/index.js';

/** Names of the status classes, as their counters are numbered. */
const STATUS_CLASSES = ['other', '1xx', '2xx', '3xx', '4xx', '5xx'];

export type ServiceLabels = Record<'agent' | 'service', string>;

export function labelsOf({ id, name }: LocalService): ServiceLabels {
  return { agent: id, service: name };
}

/** Local services of all connected agents. */
export function servicesOf(agents: AgentRegistry): LocalService[] {
  return agents.list().flatMap(({ services }) => services);
}

/** What the exchanges of each local service came to: plain fields of the data path, read when somebody asks. */
export function showServices(registry: Registry, agents: AgentRegistry): void {
  const counter = <L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    read: (it: Counter<L | keyof ServiceLabels>, service: LocalService, labels: ServiceLabels) => void,
  ): Counter<L | keyof ServiceLabels> =>
    new Counter({
      name,
      help,
      labelNames: ['agent', 'service', ...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        for (const service of servicesOf(agents)) read(this, service, labelsOf(service));
      },
    });
  const figure = (name: string, help: string, of: (service: LocalService) => number): void => {
    counter(name, help, [], (it, service, labels) => {
      it.inc(labels, of(service));
    });
  };
  figure(
    'berth_agent_requests_total',
    'Requests to a local service, since its agent connected',
    (it) => it.stats.requests,
  );
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
  figure(
    'berth_agent_flow_rejections_total',
    'Requests that met a pause of the agent: refused, or sent all the same',
    ({ admission }) => admission.flowRejections,
  );
  counter('berth_agent_errors_by_code_total', 'The same by what was wrong', ['code'], (it, { stats }, labels) => {
    for (const [code, count] of stats.errorCodes) it.inc({ ...labels, code }, count);
  });
  const refused = 'What never became an exchange, by the code of its answer: no request, too many connections';
  counter('berth_agent_requests_refused_total', refused, ['code'], (it, { stats }, labels) => {
    for (const [code, count] of stats.refusedCodes) it.inc({ ...labels, code }, count);
  });
  const byRule = 'Requests and connections that a rule of the port kept out, by the setting of the rule';
  counter('berth_agent_policy_refusals_total', byRule, ['rule'], (it, { stats }, labels) => {
    for (const [rule, count] of stats.refusedByRule) it.inc({ ...labels, rule }, count);
  });
  const tls = 'TLS handshakes of clients that came to nothing, by reason';
  counter('berth_agent_tls_failures_total', tls, ['reason'], (it, { stats }, labels) => {
    for (const [reason, count] of stats.tlsFailures) it.inc({ ...labels, reason }, count);
  });
  counter('berth_agent_responses_total', 'Answers by class of their status', ['class'], (it, { stats }, labels) => {
    for (const [i, name] of STATUS_CLASSES.entries()) it.inc({ ...labels, class: name }, stats.statusClasses[i] ?? 0);
  });
  const cancelled = 'Exchanges that were cut off before their end, by reason';
  counter('berth_agent_cancelled_total', cancelled, ['reason'], (it, { stats }, labels) => {
    for (const [reason, count] of Object.entries(stats.cancelled)) it.inc({ ...labels, reason }, count as number);
  });
  const latency = (name: string, help: string, of: 'latency' | 'firstByte'): void => {
    const read = () => servicesOf(agents).map((service) => ({ labels: labelsOf(service), latency: service.stats[of] }));
    registry.registerMetric(latencyMetric(name, help, read) as Metric);
  };
  latency('berth_agent_request_duration_seconds', 'From the head of a request to the end of its answer', 'latency');
  latency(
    'berth_agent_time_to_first_byte_seconds',
    "From the head of a request to the head of the service's answer",
    'firstByte',
  );
}

/** What each agent has sent beside exchanges. */
export function showSignals(registry: Registry, agents: AgentRegistry): void {
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
  counter('berth_agent_signals_total', 'What an agent has sent beside exchanges', ['signal'], (it, { id, signals }) => {
    for (const [signal, count] of Object.entries(signals)) it.inc({ agent: id, signal }, count);
  });
  counter('berth_agent_series_rejected_total', 'Series in reports that were not taken', ['reason'], (it, agent) => {
    for (const reason of REJECTIONS) it.inc({ agent: agent.id, reason }, agent.reported.rejected[reason]);
  });
  counter(
    'berth_agent_reports_passed_over_total',
    'Reports of metrics that came too often to be read',
    [],
    (it, agent) => {
      it.inc({ agent: agent.id }, agent.reported.passedOver);
    },
  );
}
