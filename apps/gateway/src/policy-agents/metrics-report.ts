import type { HistogramMetric, MetricsReport } from '@berth/policy-agents';
import { labelValue, type Report } from '../reported-metrics/index.js';

/** A report in the form in which the gateway takes metrics of agents. */
export function reportOf({ counters, gauges, histograms }: MetricsReport): Report {
  return {
    counters: Object.fromEntries(counters.map((one) => [keyOf(one), one.value])),
    gauges: Object.fromEntries(gauges.map((one) => [keyOf(one), one.value])),
    histograms: Object.fromEntries(histograms.map((one) => [keyOf(one), histogramOf(one)])),
  };
}

function keyOf({ labels, name }: { name: string; labels: Readonly<Record<string, string>> }): string {
  const given = Object.entries(labels).map(([label, value]) => `${label}="${labelValue(value)}"`);
  return given.length === 0 ? name : `${name}{${given.join(',')}}`;
}

/** Counts on the wire are of all up to a bound; here of each bucket alone, with one behind the last bound. */
function histogramOf({ buckets, count, sum }: HistogramMetric): Report['histograms'][string] {
  const finite = buckets.filter(({ le }) => le !== Infinity);
  const upTo = [...finite.map((bucket) => bucket.count), count];
  return {
    bounds: finite.map(({ le }) => le),
    counts: upTo.map((all, i) => all - (upTo[i - 1] ?? 0)),
    sum,
  };
}
