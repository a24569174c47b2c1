export { exposition, type Family, reportedFamilies, type Reporter } from './exposition.js';
export { ReportedMetrics, type ReportedMetricsOptions, REJECTIONS } from './reported-metrics.js';
export type { Rejected, Rejection, Report } from './reported-metrics.js';
export { ReportedMetricsSettings } from './reported-metrics.settings.js';
export { type Histogram, type Kind, OBSERVED_PREFIX, REPORTED_PREFIX } from './series.js';
export { labelValue } from './series-key.js';
