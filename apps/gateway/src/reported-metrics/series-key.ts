/** Characters of a name with its labels. */
const MAX_KEY_CHARS = 512;

/** Labels that the gateway gives, or that histograms have by themselves. */
const RESERVED = new Set(['agent_id', 'policy_agent', 'replica', 'le', 'quantile']);

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** Of the escapes in values there are three; a line break as it is would end the line of the series. */
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,(?!$))?/y;

/** A series as an agent names it. */
export interface SeriesKey {
  readonly name: string;
  /** as Prometheus writes them, in the order of their names; empty: none */
  readonly labels: string;
}

/**
 * Reads `name` or `name{label="value",…}`, as Prometheus writes it but without
 * blanks. The order of the labels says nothing: one series, one key.
 *
 * @returns why it cannot be taken: `name` (no such notation), or `label` (one that is not the agent's to give)
 */
export function parseSeriesKey(text: string): SeriesKey | 'name' | 'label' {
  if (text.length > MAX_KEY_CHARS) return 'name';
  const brace = text.indexOf('{');
  if (brace === -1) return NAME.test(text) ? { name: text, labels: '' } : 'name';
  const name = text.slice(0, brace);
  if (!NAME.test(name) || !text.endsWith('}')) return 'name';
  const inner = text.slice(brace + 1, -1);
  const labels = new Map<string, string>();
  LABEL.lastIndex = 0;
  let read = 0;
  for (let found = LABEL.exec(inner); found !== null; found = LABEL.exec(inner)) {
    const [, label = '', value = '', comma] = found;
    if (labels.has(label)) return 'name';
    labels.set(label, value);
    read = LABEL.lastIndex;
    if (comma === undefined) break;
  }
  if (read !== inner.length || labels.size === 0) return 'name';
  for (const label of labels.keys()) if (RESERVED.has(label) || label.startsWith('__')) return 'label';
  const sorted = [...labels].sort(([a], [b]) => (a < b ? -1 : 1));
  return { name, labels: sorted.map(([label, value]) => `${label}="${value}"`).join(',') };
}

/** A text as the value of a label. */
export function labelValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
