/** A metric for a prom-client Registry, which types its own classes only. */
export interface ReadMetric {
  readonly name: string;
}

/** One value of a metric, with the labels it is known by. */
interface MetricValue {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/**
 * A metric that is read, not fed. prom-client's own classes keep a copy of each
 * value, and would make every program that may show metrics load them.
 *
 * @param read the values, asked for at each scrape
 */
export function readMetric(
  type: 'gauge' | 'counter' | 'histogram',
  name: string,
  help: string,
  read: () => MetricValue[],
): ReadMetric {
  const aggregator = 'sum';
  const shown = {
    ...{ name, type, aggregator },
    reset: () => undefined,
    // `shown.name`: a registry of OpenMetrics takes the _total off it.
    get: () => Promise.resolve({ name: shown.name, help, type, aggregator, values: read() }),
  };
  return shown;
}
