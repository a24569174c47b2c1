import { readMetric } from './read-metric.js';

/** Upper bounds of the latency histogram, seconds (checklist A17). */
export const LATENCY_BUCKETS_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/** Durations, counted where they occur and read when somebody asks for metrics. */
export class LatencyHistogram {
  sumSeconds = 0;
  /** not cumulative; the last one is beyond all bounds */
  readonly counts: number[] = new Array<number>(LATENCY_BUCKETS_SECONDS.length + 1).fill(0);

  observe(seconds: number): void {
    this.sumSeconds += seconds;
    let bucket = 0;
    while (bucket < LATENCY_BUCKETS_SECONDS.length && seconds > (LATENCY_BUCKETS_SECONDS[bucket] as number))
      bucket += 1;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
  }
}

/** One histogram of a metric, with the labels it is known by. */
export interface LabelledLatency {
  readonly labels: Readonly<Record<string, string>>;
  readonly latency: LatencyHistogram;
}

/**
 * A metric for a prom-client Registry that shows histograms counted here:
 * prom-client's own Histogram only takes observations one by one.
 *
 * @param read the histograms, asked for at each scrape
 */
export function latencyMetric(name: string, help: string, read: () => Iterable<LabelledLatency>): object {
  return readMetric('histogram', name, help, () => [...read()].flatMap(valuesOf(name)));
}

const valuesOf =
  (name: string) =>
  ({ labels, latency }: LabelledLatency) => {
    let cumulative = 0;
    const buckets = latency.counts.map((count, i) => {
      cumulative += count;
      return {
        metricName: `${name}_bucket`,
        labels: { ...labels, le: LATENCY_BUCKETS_SECONDS[i] ?? '+Inf' },
        value: cumulative,
      };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: latency.sumSeconds },
      { metricName: `${name}_count`, labels, value: cumulative },
    ];
  };
