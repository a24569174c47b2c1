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

interface Family {
  readonly kind: Kind;
  /** each with the labels that the gateway gives it */
  readonly series: [given: string, series: Series][];
}

/**
 * What agents report of themselves, in Prometheus' text format 0.0.4, each
 * series with a label for its agent and `replica`. There may be many, so they
 * come in pieces, as they are taken, and others have their turns in between.
 *
 */
export async function* exposition(agents: Iterable<Reporter>): AsyncGenerator<string> {
  const families = new Map<string, Family>();
  for (const agent of agents) {
    collect(families, agent);
    await nextTurn();
  }
  for (const [name, { kind, series }] of [...families].sort(([a], [b]) => (a < b ? -1 : 1))) {
    let lines = [`# HELP ${name} Reported by agents\n# TYPE ${name} ${kind}\n`];
    for (const [given, { labels, value }] of series) {
      const all = labels === '' ? given : `${given},${labels}`;
      if (isHistogram(value)) pushHistogram(lines, name, all, value);
      else lines.push(`${name}{${all}} ${numberText(value)}\n`);
      if (lines.length < TURN_LINES) continue;
      yield lines.join('');
      lines = [];
      await nextTurn();
    }
    yield lines.join('');
  }
}

/** In one go: a series that was dropped and came again in between would be there twice, and spoil the whole scrape. */
function collect(families: Map<string, Family>, { id, label, metrics }: Reporter): void {
  let [lastId, given] = ['', ''];
  for (const [replicaId, series] of metrics.series()) {
    if (given === '' || replicaId !== lastId) given = `${label}="${labelValue(id)}",replica="${labelValue(replicaId)}"`;
    lastId = replicaId;
    const family = families.get(series.family);
    if (family === undefined) families.set(series.family, { kind: series.kind, series: [[given, series]] });
    else family.series.push([given, series]);
  }
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
