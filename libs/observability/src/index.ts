export { ExchangeStats, LATENCY_BUCKETS_SECONDS } from './exchange-stats.js';
export { createLogger, type Log, type LogSettings, silentLog } from './logger.js';
