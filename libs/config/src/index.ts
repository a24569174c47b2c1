export * from './checks.js';
export * from './common-settings.js';
export { type Environment } from './env-layer.js';
export { describeDefault, valueName } from './flag-help.js';
export { type DeepPartial, type LoadInput, type LoadResult, loadSettings, settingsFrom } from './load.js';
export {
  BERTH_PREFIX,
  type Frozen,
  type Program,
  type ProgramNames,
  type Report,
  type SettingInfo,
  settingsOf,
} from './program.js';
export { redactedYaml } from './redacted-yaml.js';
export { isLoopback } from './loopback.js';
export { type PemFiles, type PemNames, readPemFiles } from './pem-files.js';
export type { RawValue } from './problems.js';
export * from './setting.js';
export { settingsOrExit } from './settings-or-exit.js';
export { yaml } from './yaml-layer.js';
