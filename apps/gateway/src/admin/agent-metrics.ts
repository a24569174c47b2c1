import { LATENCY_BUCKETS_SECONDS, type LatencyHistogram } from '@berth/observability';
import type { Agent, LocalService } from '../agents/index.js';
import { type Family, type Histogram, type Kind, labelValue, REJECTIONS } from '../reported-metrics/index.js';
import { STATES } from './agent.dto.js';

/** Of connections that are in a pool. */
export const HEALTH_STATES = STATES.filter((state) => state !== 'connecting');

/** Names of the status classes, as their counters are numbered. */
const STATUS_CLASSES = ['other', '1xx', '2xx', '3xx', '4xx', '5xx'];

/** A metric that each of many has, and how it is read: a label of its own or none, and the value. */
interface Metric<T> extends Omit<Family, 'series'> {
  read: (item: T) => Iterable<readonly [label: string, value: number | Histogram]>;
}

function one<T>(kind: Kind, name: string, help: string, of: (item: T) => number): Metric<T> {
  return { kind, name, help, read: (item) => [['', of(item)]] };
}

function several<T>(
  kind: Kind,
  name: string,
  help: string,
  label: string,
  of: (item: T) => Iterable<readonly [value: string, count: number]>,
): Metric<T> {
  const read = (item: T): [string, number][] =>
    [...of(item)].map(([text, count]) => [`${label}="${labelValue(text)}"`, count]);
  return { kind, name, help, read };
}

function latency(name: string, help: string, of: (item: LocalService) => LatencyHistogram): Metric<LocalService> {
  const read = (item: LocalService): [string, Histogram][] => {
    const { counts, sumSeconds: sum } = of(item);
    return [['', { bounds: LATENCY_BUCKETS_SECONDS, counts, sum }]];
  };
  return { kind: 'histogram', name, help, read };
}

/** Plain fields of the data path, and of the connections: read when somebody asks. */
const OF_SERVICES: readonly Metric<LocalService>[] = [
  one(
    'counter',
    'berth_agent_requests_total',
    'Requests to a local service, since its agent connected',
    ({ stats }) => stats.requests,
  ),
  one('counter', 'berth_agent_errors_total', 'Requests that Berth had to answer itself', ({ stats }) => stats.errors),
  one('counter', 'berth_agent_upgrades_total', 'Upgrades, WebSocket among them', ({ stats }) => stats.upgrades),
  one('counter', 'berth_agent_retries_total', 'Requests that were tried once more', ({ stats }) => stats.retries),
  one(
    'counter',
    'berth_agent_retries_refused_total',
    'Requests that were not tried once more, because too many are',
    ({ stats }) => stats.retriesRefused,
  ),
  one('counter', 'berth_agent_request_bytes_total', 'Body bytes, client to service', ({ stats }) => stats.bytesIn),
  one('counter', 'berth_agent_response_bytes_total', 'Body bytes, service to client', ({ stats }) => stats.bytesOut),
  one(
    'counter',
    'berth_agent_flow_rejections_total',
    'Requests that met a pause of the agent: refused, or sent all the same',
    ({ admission }) => admission.flowRejections,
  ),
  several(
    'counter',
    'berth_agent_errors_by_code_total',
    'The same by what was wrong',
    'code',
    ({ stats }) => stats.errorCodes,
  ),
  several(
    'counter',
    'berth_agent_requests_refused_total',
    'What never became an exchange, by the code of its answer: no request, too many connections',
    'code',
    ({ stats }) => stats.refusedCodes,
  ),
  several(
    'counter',
    'berth_agent_policy_refusals_total',
    'Requests and connections that a rule of the port kept out, by the setting of the rule',
    'rule',
    ({ stats }) => stats.refusedByRule,
  ),
  several(
    'counter',
    'berth_agent_tls_failures_total',
    'TLS handshakes of clients that came to nothing, by reason',
    'reason',
    ({ stats }) => stats.tlsFailures,
  ),
  several('counter', 'berth_agent_responses_total', 'Answers by class of their status', 'class', ({ stats }) =>
    STATUS_CLASSES.map((name, i) => [name, stats.statusClasses[i] ?? 0]),
  ),
  several(
    'counter',
    'berth_agent_cancelled_total',
    'Exchanges that were cut off before their end, by reason',
    'reason',
    ({ stats }) => Object.entries(stats.cancelled),
  ),
  latency(
    'berth_agent_request_duration_seconds',
    'From the head of a request to the end of its answer',
    ({ stats }) => stats.latency,
  ),
  latency(
    'berth_agent_time_to_first_byte_seconds',
    "From the head of a request to the head of the service's answer",
    ({ stats }) => stats.firstByte,
  ),
  several(
    'gauge',
    'berth_agent_connections',
    'Connections that lead to a local service, by what they are fit for',
    'state',
    ({ connections: { members } }) =>
      HEALTH_STATES.map((state) => [state, members.filter(({ health }) => health.state === state).length]),
  ),
  one(
    'gauge',
    'berth_agent_waiting',
    'Requests that wait for room, or the end of a pause',
    ({ admission }) => admission.waiting,
  ),
];

/** What each agent has sent beside exchanges, and how its connections are now. */
const OF_AGENTS: readonly Metric<Agent>[] = [
  several('counter', 'berth_agent_signals_total', 'What an agent has sent beside exchanges', 'signal', ({ signals }) =>
    Object.entries(signals),
  ),
  several(
    'counter',
    'berth_agent_series_rejected_total',
    'Series in reports that were not taken',
    'reason',
    ({ reported }) => REJECTIONS.map((reason) => [reason, reported.rejected[reason]]),
  ),
  one(
    'counter',
    'berth_agent_reports_passed_over_total',
    'Reports of metrics that came too often to be read',
    ({ reported }) => reported.passedOver,
  ),
  one('gauge', 'berth_agent_in_flight', 'Exchanges of an agent under way', ({ inFlight }) => inFlight),
  one(
    'gauge',
    'berth_agent_round_trip_seconds',
    'Round trip of the last ping, of the slowest connection',
    ({ connections }) => Math.max(0, ...connections.map(({ lastRoundTripMs }) => lastRoundTripMs)) / 1000,
  ),
  one('gauge', 'berth_agent_series', 'Lines that an agent has in these metrics', ({ reported }) => reported.size),
  one('gauge', 'berth_agent_pending_bytes', 'Body bytes that wait on the way to an agent', ({ connections }) =>
    connections
      .flatMap((connection) => connection.exchanges())
      .reduce((sum, { pendingBytes }) => sum + pendingBytes, 0),
  ),
];

/**
 * The gateway's metrics of each of some agents and their local services. Of
 * thousands of agents they are hundreds of thousands of lines, so prom-client,
 * which makes all of its own in one turn of the event loop, has no part in them.
 */
export function* agentFamilies(agents: readonly Agent[]): Generator<Family> {
  const services = agents.flatMap((agent) => agent.services);
  const ofService = services.map((it) => [`agent="${it.id}",service="${it.name}"`, it] as const);
  const ofAgent = agents.map((it) => [`agent="${it.id}"`, it] as const);
  for (const metric of OF_SERVICES) yield familyOf(metric, ofService);
  for (const metric of OF_AGENTS) yield familyOf(metric, ofAgent);
}

function familyOf<T>({ read, ...family }: Metric<T>, items: readonly (readonly [labels: string, item: T])[]): Family {
  return { ...family, series: seriesOf(read, items) };
}

function* seriesOf<T>(
  read: Metric<T>['read'],
  items: readonly (readonly [labels: string, item: T])[],
): Generator<readonly [string, number | Histogram]> {
  for (const [labels, item] of items) {
    for (const [label, value] of read(item)) yield [label === '' ? labels : `${labels},${label}`, value];
  }
}
