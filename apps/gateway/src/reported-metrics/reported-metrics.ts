import { ReportedMetricsSettings } from './reported-metrics.settings.js';
import { parseSeriesKey } from './series-key.js';
import { type Histogram, isHistogram, type Kind, prefixOf, type Series, shownName, sizeOf } from './series.js';

/** What an agent says of itself; keys are names with labels, see {@link parseSeriesKey}. */
export interface Report {
  readonly gauges: Readonly<Record<string, number>>;
  /** totals since the agent's process started */
  readonly counters: Readonly<Record<string, number>>;
  readonly histograms: Readonly<Record<string, Histogram>>;
}

export interface ReportedMetricsOptions {
  /** of one agent, all its replicas together; a histogram counts for each of its lines */
  maxSeries: number;
  /** without a report, ms */
  expireMs: number;
}

/** Why something of a report was not taken: its name, its labels, its value, or there were too many. */
export const REJECTIONS = ['name', 'label', 'value', 'limit'] as const;
export type Rejection = (typeof REJECTIONS)[number];

/** What was not taken of one report: how much, and the first of it. */
export interface Rejected {
  readonly count: number;
  readonly reason: Rejection;
  readonly series: string;
}

/** A report that is being taken. */
interface Taking {
  /** of its replica, by kind and name with labels */
  readonly series: Map<string, Series>;
  /** monotonic ms */
  readonly now: number;
  readonly isThere: (replicaId: string) => boolean;
}

/** Reports that are read in a second, on average. */
const REPORTS_PER_SECOND = 4;
/** The same at once: many series come in several reports, and so do those of several replicas. */
const REPORTS_AT_ONCE = 16;
/** Between two searches for room, ms: an agent that is over its limit must not have all be looked at all the time. */
const SEARCH_MS = 1000;
/** Characters of a key that are told. */
const SHOWN_CHARS = 100;

/** What the processes of one agent report of themselves (checklist C20). */
export class ReportedMetrics {
  /** what was not taken, since the agent came */
  readonly rejected: Record<Rejection, number> = { name: 0, label: 0, value: 0, limit: 0 };
  /** reports that nobody read: they came too often */
  passedOver = 0;
  private readonly replicas = new Map<string, Map<string, Series>>();
  private lines = 0;
  private searchedAt = -Infinity;
  private readable = REPORTS_AT_ONCE;
  private countedAt = 0;

  constructor(private readonly options: ReportedMetricsOptions = new ReportedMetricsSettings()) {}

  /** Lines that these series come to. */
  get size(): number {
    return this.lines;
  }

  /** Whether one more report is to be read, or passed over because there were too many. @param now monotonic ms */
  mayRead(now: number): boolean {
    const more = ((now - this.countedAt) / 1000) * REPORTS_PER_SECOND;
    this.readable = Math.min(REPORTS_AT_ONCE, this.readable + more);
    this.countedAt = now;
    if (this.readable < 1) {
      this.passedOver += 1;
      return false;
    }
    this.readable -= 1;
    return true;
  }

  /**
   * Takes a report, or what can be taken of it.
   *
   * @param now monotonic ms
   * @param isThere whether a replica still has a connection: the series of those that have not make room
   */
  take(
    replicaId: string,
    report: Report,
    now: number,
    isThere: (replicaId: string) => boolean = () => true,
  ): Rejected | undefined {
    const series = this.replicas.get(replicaId) ?? new Map<string, Series>();
    const taking = { series, now, isThere };
    let count = 0;
    let first: { reason: Rejection; series: string } | undefined;
    const all: [Kind, Readonly<Record<string, number | Histogram>>][] = [
      ['gauge', report.gauges],
      ['counter', report.counters],
      ['histogram', report.histograms],
    ];
    for (const [kind, values] of all) {
      for (const [key, value] of Object.entries(values)) {
        const reason = this.put(taking, kind, key, value);
        if (reason === undefined) continue;
        this.rejected[reason] += 1;
        count += 1;
        first ??= { reason, series: key.slice(0, SHOWN_CHARS) };
      }
    }
    if (series.size > 0) this.replicas.set(replicaId, series);
    return first === undefined ? undefined : { count, ...first };
  }

  /** Drops what has not been reported for too long, and all of replicas that have gone. */
  sweep(now: number, isThere: (replicaId: string) => boolean): void {
    for (const [replicaId, all] of this.replicas) {
      const isGone = !isThere(replicaId);
      for (const [key, series] of all) {
        if (!isGone && now - series.seenAt < this.options.expireMs) continue;
        all.delete(key);
        this.lines -= sizeOf(series.value);
      }
      if (isGone) this.replicas.delete(replicaId);
    }
  }

  /** All series, with the replica that reported them. */
  *series(): Iterable<[replicaId: string, series: Series]> {
    for (const [replicaId, all] of this.replicas) {
      for (const series of all.values()) yield [replicaId, series];
    }
  }

  private put(taking: Taking, kind: Kind, key: string, value: number | Histogram): Rejection | undefined {
    const { series, now } = taking;
    // Most come as they were written down; only others have to be read to be known.
    const known = series.get(`${kind} ${key}`);
    if (known !== undefined) return this.update(known, value, now);
    // Before it is read: a flood of names must cost as little as it can.
    if (!this.hasRoom(1, taking)) return 'limit';
    const parsed = parseSeriesKey(key);
    if (typeof parsed === 'string') return parsed;
    const name = shownName(kind, parsed.name);
    if (name === undefined) return 'name';
    if (!isValid(kind, value)) return 'value';
    const { labels } = parsed;
    const written = `${kind} ${name}${labels === '' ? '' : `{${labels}}`}`;
    const same = series.get(written);
    if (same !== undefined) return this.update(same, value, now);
    const size = sizeOf(value);
    if (!this.hasRoom(size, taking)) return 'limit';
    this.lines += size;
    series.set(written, { kind, family: prefixOf(kind) + name, labels, value, seenAt: now });
    return undefined;
  }

  private update(series: Series, value: number | Histogram, now: number): Rejection | undefined {
    if (!isValid(series.kind, value)) return 'value';
    const growth = sizeOf(value) - sizeOf(series.value);
    if (growth > 0 && this.lines + growth > this.options.maxSeries) return 'limit';
    this.lines += growth;
    series.value = value;
    series.seenAt = now;
    return undefined;
  }

  private hasRoom(lines: number, { now, isThere }: Taking): boolean {
    const { maxSeries } = this.options;
    if (this.lines + lines <= maxSeries) return true;
    if (now - this.searchedAt < SEARCH_MS) return false;
    this.searchedAt = now;
    this.sweep(now, isThere);
    return this.lines + lines <= maxSeries;
  }
}

function isValid(kind: Kind, value: number | Histogram): boolean {
  if (isHistogram(value)) return kind === 'histogram' && isValidHistogram(value);
  return kind === 'gauge' || (Number.isFinite(value) && value >= 0);
}

function isValidHistogram({ bounds, counts, sum }: Histogram): boolean {
  if (counts.length !== bounds.length + 1 || Number.isNaN(sum)) return false;
  if (!bounds.every((bound, i) => Number.isFinite(bound) && (i === 0 || bound > (bounds[i - 1] as number)))) {
    return false;
  }
  return counts.every((count) => Number.isFinite(count) && count >= 0);
}
