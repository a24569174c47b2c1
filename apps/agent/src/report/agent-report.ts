import { ResetCode } from '@berth/exchange';
import { LATENCY_BUCKETS_SECONDS } from '@berth/observability';
import type { MetricsReport } from '@berth/tunnel-protocol';
import type { LocalFigures } from '../forward/local-figures.js';
import type { LoopDelay } from './loop-delay.js';

/** Where an agent's figures come from. */
export interface ReportSources {
  figures: LocalFigures;
  pool: { readonly inUse: number; readonly queued: number };
  /** undefined where nobody looks after the local service */
  isLocalUp: () => boolean | undefined;
  loop: Pick<LoopDelay, 'read'>;
}

/** `localUnreachable` as `local_unreachable`. */
const REASONS: ReadonlyMap<number, string> = new Map(
  Object.entries(ResetCode).map(([name, code]) => [
    code,
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  ]),
);

/** What the agent tells of itself; docs/operations.md lists it. Totals since the process started, and the state of now. */
export function agentReport({ figures, pool, isLocalUp, loop }: ReportSources): MetricsReport {
  const { exchanges, failed, latency } = figures;
  const gauges: Record<string, number> = {
    local_connections_in_use: pool.inUse,
    exchanges_waiting: pool.queued,
    resident_memory_bytes: process.memoryUsage.rss(),
  };
  const isUp = isLocalUp();
  if (isUp !== undefined) gauges['local_service_up'] = Number(isUp);
  const busy = loop.read();
  if (busy !== undefined) {
    gauges['event_loop_delay_max_seconds'] = busy.maxSeconds;
    gauges['event_loop_utilization'] = busy.utilization;
  }
  const counters: Record<string, number> = { exchanges };
  for (const [code, count] of failed) {
    counters[`exchange_failures{reason="${REASONS.get(code) ?? 'unspecified'}"}`] = count;
  }
  if (latency === undefined) return { gauges, counters, histograms: {} };
  const { counts, sumSeconds: sum } = latency;
  const histograms = { local_latency_seconds: { bounds: [...LATENCY_BUCKETS_SECONDS], counts: [...counts], sum } };
  return { gauges, counters, histograms };
}
