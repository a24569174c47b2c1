import type { Metric, Registry, RegistryContentType } from 'prom-client';
import { latencyMetric, readMetric, type ReadMetric } from '@berth/observability';
import type { AgentState } from '../agents/object-agent.js';
import { invalid } from '../errors.js';
import { InvocationStatus } from '../invocation/invocation.js';
import type { Services } from './services.js';

const STATUS_LABELS = Object.keys(InvocationStatus).map((name) => name.toLowerCase());
const AGENT_STATES: readonly AgentState[] = ['starting', 'running', 'reconnecting', 'stopping', 'stopped'];

/**
 * Shows a runtime's figures in a prom-client registry (checklist B17). They are read when the registry is scraped:
 * calls pay nothing for it.
 *
 * - `berth_service_calls_total{service,method,status}` ended calls; status `okay`, `invalid_request`, `app_error` or
 *   `system_error`
 * - `berth_service_call_duration_seconds{service,method}` arrival to reply, a histogram
 * - `berth_service_calls_in_flight{service,method}`
 * - `berth_service_active_objects` objects in memory
 * - `berth_service_agents{state}` `starting`, `running`, `reconnecting`, `stopping`, `stopped`
 * - `berth_service_up{part}` 0 or 1 for `bus`, `store` and `server`; `server` is 0 also where none is meant to run
 *
 * The labels are the services of this runtime and their methods as they are declared: names that only callers know
 * appear nowhere.
 *
 * @returns takes them out of the registry again
 * @throws ServicesError `BERTH_SERVICE_INVALID` the registry shows another runtime already
 */
export function registerServicesMetrics(runtime: Services, registry: Registry<RegistryContentType>): () => void {
  const metrics = metricsOf(runtime);
  const taken = metrics.find(({ name }) => registry.getSingleMetric(name) !== undefined);
  if (taken !== undefined)
    throw invalid(`this registry has a ${taken.name} already: give each runtime of services a registry of its own`);
  for (const metric of metrics) registry.registerMetric(metric as unknown as Metric);
  return () => {
    for (const { name } of metrics) registry.removeSingleMetric(name);
  };
}

function metricsOf(runtime: Services): ReadMetric[] {
  const members = () =>
    [...runtime.services()].flatMap(({ definition, members: served }) =>
      [...served].map(([method, { stats }]) => ({ stats, labels: { service: definition.id, method } })),
    );
  const latencies = () => members().map(({ labels, stats: { latency } }) => ({ labels, latency }));
  return [
    readMetric('counter', 'berth_service_calls_total', 'Ended calls by how they ended', () =>
      members().flatMap(({ labels, stats }) =>
        // Those that never happened too: a series that begins at 0 shows its first increase.
        stats.byStatus.map((value, status) => ({
          labels: { ...labels, status: STATUS_LABELS[status] as string },
          value,
        })),
      ),
    ),
    latencyMetric(
      'berth_service_call_duration_seconds',
      'From the arrival of a call to its reply',
      latencies,
    ) as ReadMetric,
    readMetric('gauge', 'berth_service_calls_in_flight', 'Calls that run or wait for their object', () =>
      members().map(({ labels, stats }) => ({ labels, value: stats.inFlight })),
    ),
    readMetric('gauge', 'berth_service_active_objects', 'Objects in memory', () => [
      { labels: {}, value: runtime.activeObjects },
    ]),
    readMetric('gauge', 'berth_service_agents', 'Object agents of this process', () => {
      const { agents } = runtime.health();
      return AGENT_STATES.map((state) => ({ labels: { state }, value: agents[state] ?? 0 }));
    }),
    readMetric(
      'gauge',
      'berth_service_up',
      'Whether bus and store can be reached, and the function server runs',
      () => {
        const { bus, store, server } = runtime.health();
        const up = { bus: bus.state === 'up', store: store.state === 'up', server: server.running };
        return Object.entries(up).map(([part, is]) => ({ labels: { part }, value: is ? 1 : 0 }));
      },
    ),
  ];
}
