export { type Cancellations, countUp, ExchangeStats } from './exchange-stats.js';
export { type LabelledLatency, LATENCY_BUCKETS_SECONDS, LatencyHistogram, latencyMetric } from './latency-histogram.js';
export { LimitedLog, type LogLimit } from './limited-log.js';
export { createLogger, isPretty, type Log, logLevelOf, type LogSettings, silentLog, type View } from './logger.js';
export { clock, type LogRecord, prettyLine } from './pretty/pretty-line.js';
export { cut, printable } from './pretty/printable.js';
export { plain, type Style, styleFor } from './pretty/style.js';
export { readMetric, type ReadMetric } from './read-metric.js';
