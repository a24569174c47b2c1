import type { HistogramMetric, MetricsReport } from '../reports.js';
import { count, decimal, type Fields, inners, optionalText, text, textMap } from './fields.js';

type Labelled = MetricsReport['counters'][number] | HistogramMetric;

/** @param bound how this wire says the bound of a bucket, infinity included */
export function writeMetrics(of: MetricsReport, bound: (le: number) => number | string): Fields {
  return {
    agent_id: of.agentId,
    timestamp_ms: of.timestampMs,
    interval_ms: of.intervalMs,
    counters: of.counters.map((one) => ({ ...writeLabels(one), value: one.value })),
    gauges: of.gauges.map((one) => ({ ...writeLabels(one), value: one.value })),
    histograms: of.histograms.map((one) => ({
      ...writeLabels(one),
      sum: one.sum,
      count: one.count,
      buckets: one.buckets.map(({ le, count }) => ({ le: bound(le), count })),
    })),
  };
}

function writeLabels({ name, help, labels }: Labelled): Fields {
  return { name, help, labels };
}

/** @throws Error when it is no such message */
export function readMetrics(from: Fields): MetricsReport {
  return {
    kind: 'metrics',
    agentId: text(from, 'agent_id'),
    timestampMs: count(from, 'timestamp_ms'),
    intervalMs: count(from, 'interval_ms'),
    counters: inners(from, 'counters').map((one) => ({ ...readLabels(one), value: count(one, 'value') })),
    gauges: inners(from, 'gauges').map((one) => ({ ...readLabels(one), value: decimal(one, 'value') })),
    histograms: inners(from, 'histograms').map((one) => ({
      ...readLabels(one),
      sum: decimal(one, 'sum'),
      count: count(one, 'count'),
      buckets: inners(one, 'buckets').map((bucket) => ({ le: readBound(bucket), count: count(bucket, 'count') })),
    })),
  };
}

function readLabels(from: Fields): Pick<HistogramMetric, 'name' | 'help' | 'labels'> {
  return { name: text(from, 'name'), help: optionalText(from, 'help') || undefined, labels: textMap(from, 'labels') };
}

/** Infinity has no number in JSON. */
function readBound(bucket: Fields): number {
  const le = bucket['le'];
  if (typeof le !== 'string') return decimal(bucket, 'le');
  const bound = /^\+?Inf$/.test(le) ? Infinity : Number(le);
  if (Number.isNaN(bound)) throw new Error('le is no number');
  return bound;
}
