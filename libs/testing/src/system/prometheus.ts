/** One line of values in Prometheus' text format. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Family {
  name: string;
  type: string;
  help: string;
  samples: Sample[];
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/y;

/**
 * Reads Prometheus' text format 0.0.4, strictly: every sample behind the HELP
 * and TYPE of its family, no family and no series twice.
 *
 * @throws Error that names the line
 */
export function parsePrometheus(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Family>();
  const series = new Set<string>();
  let current: Family | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, help, helpText] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
    if (help !== undefined) {
      if (families.has(help)) throw new Error(`family ${help} comes twice`);
      current = { name: help, help: helpText ?? '', type: '', samples: [] };
      families.set(help, current);
      continue;
    }
    const [, typed, type] = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line) ?? [];
    if (typed !== undefined) {
      if (current?.name !== typed || current.type !== '') throw new Error(`TYPE without its HELP: ${line}`);
      current.type = type ?? '';
      continue;
    }
    const sample = parseSample(line);
    if (current === undefined || current.type === '' || !belongs(sample.name, current)) {
      throw new Error(`outside its family: ${line}`);
    }
    const key = line.slice(0, line.lastIndexOf(' '));
    if (series.has(key)) throw new Error(`series ${key} comes twice`);
    series.add(key);
    current.samples.push(sample);
  }
  return families;
}

function parseSample(line: string): Sample {
  const [, name, labelText = '', valueText] = LINE.exec(line) ?? [];
  if (name === undefined || valueText === undefined) throw new Error(`not a sample: ${line}`);
  const value = valueText === '+Inf' ? Infinity : Number(valueText);
  if (Number.isNaN(value) && valueText !== 'NaN' && valueText !== 'Nan') throw new Error(`not a number: ${line}`);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  let read = 0;
  for (let found = LABEL.exec(labelText); found !== null; found = LABEL.exec(labelText)) {
    labels[found[1] as string] = found[2] as string;
    read = LABEL.lastIndex;
  }
  if (read !== labelText.length) throw new Error(`labels cannot be read: ${line}`);
  return { name, labels, value };
}

function belongs(sample: string, { name, type }: Family): boolean {
  if (type !== 'histogram' && type !== 'summary') return sample === name;
  return [`${name}_bucket`, `${name}_sum`, `${name}_count`, name].includes(sample);
}
