import { parser } from '@prometheus-io/lezer-promql';
import type { Sample } from './prometheus.js';

/** Labels and metrics that Prometheus adds itself. */
const OWN_LABELS = ['instance', 'job'];
const OWN_METRICS = ['up'];

interface Selector {
  name: string;
  matchers: { label: string; operator: string; value: string }[];
}

/**
 * What a query asks for that a scrape does not have.
 *
 * @param query PromQL
 * @param samples of the scrape
 * @returns complaints, empty where there are none
 */
export function queryComplaints(query: string, samples: readonly Sample[]): string[] {
  const { selectors, grouping, syntax } = readQuery(query);
  if (syntax !== undefined) return [`no PromQL at "${syntax}"`];
  const own = samples.filter(({ name }) => selectors.some((selector) => selector.name === name));
  const labels = new Set([...OWN_LABELS, ...own.flatMap((sample) => Object.keys(sample.labels))]);
  return [
    ...selectors
      .filter(({ name }) => !OWN_METRICS.includes(name))
      .filter((selector) => !samples.some((sample) => selects(selector, sample)))
      .map(({ name, matchers }) => {
        const shown = matchers.map(({ label, operator, value }) => `${label}${operator}"${value}"`);
        return `there is no ${name}{${shown.join()}}`;
      }),
    ...grouping.filter((label) => !labels.has(label)).map((label) => `there is no label ${label}`),
  ];
}

function selects({ name, matchers }: Selector, sample: Sample): boolean {
  if (name !== sample.name) return false;
  return matchers.every(({ label, operator, value }) => {
    const found = sample.labels[label];
    if (found === undefined) return OWN_LABELS.includes(label);
    if (operator === '=') return found === value;
    return operator !== '=~' || new RegExp(`^(?:${value})$`).test(found);
  });
}

function readQuery(query: string): { selectors: Selector[]; grouping: string[]; syntax: string | undefined } {
  const selectors: Selector[] = [];
  const grouping: string[] = [];
  let syntax: string | undefined;
  let inGrouping = false;
  parser.parse(query).iterate({
    enter({ name, from, to, type }) {
      const text = query.slice(from, to);
      const matcher = selectors.at(-1)?.matchers.at(-1);
      if (type.isError) syntax ??= query.slice(from);
      else if (name === 'GroupingLabels') inGrouping = true;
      else if (name === 'LabelMatchers' || name === 'VectorSelector') inGrouping = false;
      else if (name === 'Identifier') selectors.push({ name: text, matchers: [] });
      else if (name === 'LabelName' && inGrouping) grouping.push(text);
      else if (name === 'LabelName') selectors.at(-1)?.matchers.push({ label: text, operator: '', value: '' });
      else if (name === 'MatchOp' && matcher !== undefined) matcher.operator = text;
      else if (name === 'StringLiteral' && matcher !== undefined) matcher.value = text.slice(1, -1);
    },
  });
  return { selectors, grouping, syntax };
}
