export type { AgentSettings, GatewaySettings } from './gateway-settings.js';
export { type LoadInput, type LoadResult, loadAgentSettings, loadGatewaySettings } from './load.js';
export { type DeepPartial, defaultAgentSettings, defaultGatewaySettings } from './defaults.js';
export { redactedYaml } from './redacted-yaml.js';
export { AGENT_ID } from './checks.js';
export { isLoopback } from './loopback.js';
export { ownVersion } from './own-version.js';
export { type PemFiles, type PemNames, readPemFiles } from './pem-files.js';
export { settingsOrExit } from './settings-or-exit.js';
