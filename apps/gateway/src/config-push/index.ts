export { ConfigPushModule } from './config-push.module.js';
export { configPushConfig, ConfigPushSettings } from './config-push.settings.js';
export {
  CONFIG_PUSH,
  type ConfigPush,
  ConfigPushes,
  type ConfigPushesOptions,
  type Delivery,
  PUSH_STATES,
  type PushState,
  type PushTarget,
} from '@berth/agent-pool';
