/** Observations by upper bounds. */
export interface Histogram {
  /** rising, without the infinite one */
  readonly bounds: readonly number[];
  /** of each bucket alone, one more than bounds */
  readonly counts: readonly number[];
  readonly sum: number;
}

export type Kind = 'gauge' | 'counter' | 'histogram';

/** One series, as it is shown. */
export interface Series {
  readonly kind: Kind;
  /** its name in the metrics of the gateway */
  readonly family: string;
  /** its own, as Prometheus writes them; empty: none */
  readonly labels: string;
  value: number | Histogram;
  /** monotonic ms of the last report that had it */
  seenAt: number;
}

/** What names of gauges and counters begin with; no metric of Berth's own does. */
export const REPORTED_PREFIX = 'berth_reported_';
/** The same for histograms: what one agent calls a gauge and another a histogram are two names. */
export const OBSERVED_PREFIX = 'berth_observed_';

const TOTAL = '_total';

export function prefixOf(kind: Kind): string {
  return kind === 'histogram' ? OBSERVED_PREFIX : REPORTED_PREFIX;
}

/** The name of a metric behind its prefix; undefined: another kind has names of that form. */
export function shownName(kind: Kind, name: string): string | undefined {
  if (kind === 'counter') return name.endsWith(TOTAL) ? name : name + TOTAL;
  const foreign = kind === 'gauge' ? name.endsWith(TOTAL) : /_(bucket|sum|count)$/.test(name);
  return foreign ? undefined : name;
}

export function isHistogram(value: number | Histogram): value is Histogram {
  return typeof value === 'object';
}

/** Lines that a value takes. */
export function sizeOf(value: number | Histogram): number {
  return isHistogram(value) ? value.counts.length + 2 : 1;
}
