import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ReportedMetrics } from './reported-metrics.js';
import { type Histogram, isHistogram, type Kind, type Series } from './series.js';
import { labelValue } from './series-key.js';

/** Lines that are made before others have their turn. */
const TURN_LINES = 2000;

interface Family {
  readonly kind: Kind;
  readonly series: [labels: string, series: Series][];
}

/**
 * What agents report of themselves, in Prometheus' text format 0.0.4, each
 * series with the labels `agent_id` and `replica`. In several turns of the event
 * loop, because there may be many.
 *
 * @param agents id and metrics of each
 */
export async function exposition(
  agents: Iterable<readonly [agentId: string, metrics: ReportedMetrics]>,
): Promise<string> {
  const families = new Map<string, Family>();
  let made = 0;
  for (const [agentId, metrics] of agents) {
    for (const [replicaId, series] of metrics.series()) {
      const family = families.get(series.family) ?? { kind: series.kind, series: [] };
      families.set(series.family, family);
      const own = series.labels === '' ? '' : `,${series.labels}`;
      family.series.push([`agent_id="${labelValue(agentId)}",replica="${labelValue(replicaId)}"${own}`, series]);
      if ((made += 1) % TURN_LINES === 0) await nextTurn();
    }
  }
  let text = '';
  for (const [name, { kind, series }] of [...families].sort(([a], [b]) => (a < b ? -1 : 1))) {
    text += `# HELP ${name} Reported by agents\n# TYPE ${name} ${kind}\n`;
    for (const [labels, { value }] of series) {
      text += isHistogram(value) ? histogramLines(name, labels, value) : `${name}{${labels}} ${numberText(value)}\n`;
      if ((made += 1) % TURN_LINES === 0) await nextTurn();
    }
  }
  return text;
}

function histogramLines(name: string, labels: string, { bounds, counts, sum }: Histogram): string {
  let count = 0;
  let text = '';
  for (const [i, more] of counts.entries()) {
    count += more;
    text += `${name}_bucket{${labels},le="${numberText(bounds[i] ?? Infinity)}"} ${count}\n`;
  }
  return `${text}${name}_sum{${labels}} ${numberText(sum)}\n${name}_count{${labels}} ${count}\n`;
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
