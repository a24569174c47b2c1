export { ConfigReload, RELOAD_RESULTS, type SettingsLookup } from './config-reload.js';
export { LiveSettings, type SettingsListener } from './live-settings.js';
