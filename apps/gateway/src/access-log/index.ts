export type { AccessEntry } from './access-entry.js';
export { AccessLog } from './access-log.js';
export { AccessLogModule } from './access-log.module.js';
export { accessLogConfig, AccessLogSettings } from './access-log.settings.js';
