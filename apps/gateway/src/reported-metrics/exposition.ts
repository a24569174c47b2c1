import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ReportedMetrics } from './reported-metrics.js';
import { type Histogram, isHistogram, type Kind, type Series } from './series.js';
import { labelValue } from './series-key.js';

/** Lines that are made before others have their turn. */
const TURN_LINES = 1000;

/** Who reports them. */
export interface Reporter {
  /** name of the label that says who it is: agents and policy agents may have one name */
  readonly label: 'agent_id' | 'policy_agent';
  readonly id: string;
  readonly metrics: ReportedMetrics;
}

/** One metric with its series. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly kind: Kind;
  /** labels as Prometheus writes them, with the value; read once, piece by piece */
  readonly series: Iterable<readonly [labels: string, value: number | Histogram]>;
}

/**
 * Metrics in Prometheus' text format 0.0.4. There may be many series, so they
 * come in pieces, as they are taken, and others have their turns in between.
 */
export async function* exposition(families: Iterable<Family>): AsyncGenerator<string> {
  let lines: string[] = [];
  for (const { name, help, kind, series } of families) {
    lines.push(`# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`);
    for (const [labels, value] of series) {
      if (isHistogram(value)) pushHistogram(lines, name, labels, value);
      else lines.push(`${name}{${labels}} ${numberText(value)}\n`);
      if (lines.length < TURN_LINES) continue;
      yield lines.join('');
      lines = [];
      await nextTurn();
    }
  }
  yield lines.join('');
}

/** What agents report of themselves, each series with a label for its agent and `replica`, in the order of their names. */
export async function reportedFamilies(agents: Iterable<Reporter>): Promise<Family[]> {
  const families = new Map<string, [given: string, series: Series][]>();
  let collected = 0;
  for (const agent of agents) {
    collect(families, agent);
    collected += agent.metrics.size;
    if (collected < TURN_LINES) continue;
    collected = 0;
    await nextTurn();
  }
  return [...families]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, all]) => ({
      name,
      help: 'Reported by agents',
      kind: all[0]?.[1].kind ?? 'gauge',
      series: labelled(all),
    }));
}

/** In one go: a series that was dropped and came again in between would be there twice, and spoil the whole scrape. */
function collect(families: Map<string, [given: string, series: Series][]>, { id, label, metrics }: Reporter): void {
  let [lastId, given] = ['', ''];
  for (const [replicaId, series] of metrics.series()) {
    if (given === '' || replicaId !== lastId) given = `${label}="${labelValue(id)}",replica="${labelValue(replicaId)}"`;
    lastId = replicaId;
    const family = families.get(series.family);
    if (family === undefined) families.set(series.family, [[given, series]]);
    else family.push([given, series]);
  }
}

function* labelled(all: Iterable<[given: string, series: Series]>): Generator<[string, number | Histogram]> {
  for (const [given, { labels, value }] of all) yield [labels === '' ? given : `${given},${labels}`, value];
}

function pushHistogram(lines: string[], name: string, labels: string, { bounds, counts, sum }: Histogram): void {
  let count = 0;
  for (const [i, more] of counts.entries()) {
    count += more;
    lines.push(`${name}_bucket{${labels},le="${numberText(bounds[i] ?? Infinity)}"} ${count}\n`);
  }
  lines.push(`${name}_sum{${labels}} ${numberText(sum)}\n${name}_count{${labels}} ${count}\n`);
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
