import { failureReasonOf } from '@berth/exchange';
import { LATENCY_BUCKETS_SECONDS } from '@berth/observability';
import type { MetricsReport } from '@berth/tunnel-protocol';
import type { LocalFigures } from '../forward/local-figures.js';
import type { LoopDelay } from './loop-delay.js';

/** Whose figures are reported. */
export interface ReportedService {
  readonly name: string;
  readonly figures: LocalFigures;
  readonly forwarder: { readonly pool: { readonly inUse: number; readonly queued: number } };
  /** undefined where nobody looks after it */
  readonly watch: { readonly isUp: boolean | undefined };
}

/**
 * What the agent tells of itself; docs/operations.md lists it. Totals since the process started, and the state of now.
 *
 * @param services several are told apart by a label
 */
export function agentReport(services: readonly ReportedService[], loop: Pick<LoopDelay, 'read'>): MetricsReport {
  const report: MetricsReport = { gauges: {}, counters: {}, histograms: {} };
  report.gauges['resident_memory_bytes'] = process.memoryUsage.rss();
  const busy = loop.read();
  if (busy !== undefined) {
    report.gauges['event_loop_delay_max_seconds'] = busy.maxSeconds;
    report.gauges['event_loop_utilization'] = busy.utilization;
  }
  for (const service of services) addService(report, service, services.length > 1 ? [`service="${service.name}"`] : []);
  return report;
}

function addService(
  report: MetricsReport,
  { figures, forwarder, watch }: ReportedService,
  labels: readonly string[],
): void {
  const { gauges, counters, histograms } = report;
  const named = (name: string, ...more: string[]): string => {
    const all = [...labels, ...more];
    return all.length === 0 ? name : `${name}{${all.join(',')}}`;
  };
  gauges[named('local_connections_in_use')] = forwarder.pool.inUse;
  gauges[named('exchanges_waiting')] = forwarder.pool.queued;
  if (watch.isUp !== undefined) gauges[named('local_service_up')] = Number(watch.isUp);
  counters[named('exchanges')] = figures.exchanges;
  for (const [code, count] of figures.failed) {
    counters[named('exchange_failures', `reason="${failureReasonOf(code)}"`)] = count;
  }
  const { latency } = figures;
  if (latency === undefined) return;
  const bounds = [...LATENCY_BUCKETS_SECONDS];
  histograms[named('local_latency_seconds')] = { bounds, counts: [...latency.counts], sum: latency.sumSeconds };
}
