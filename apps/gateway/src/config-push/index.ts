export { ConfigPushModule } from './config-push.module.js';
export { configPushConfig, ConfigPushSettings } from './config-push.settings.js';
export { ConfigPushes, type ConfigPushesOptions } from './config-pushes.js';
export { CONFIG_PUSH, type ConfigPush, type Delivery, PUSH_STATES, type PushState } from './config-push.js';
export type { PushTarget } from './config-push.js';
