export { type Cancellations, countUp, ExchangeStats } from './exchange-stats.js';
export { type LabelledLatency, LATENCY_BUCKETS_SECONDS, LatencyHistogram, latencyMetric } from './latency-histogram.js';
export { LimitedLog, type LogLimit } from './limited-log.js';
export { createLogger, type Log, type LogSettings, silentLog } from './logger.js';
