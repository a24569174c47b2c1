export * from './checks.js';
export { commandHelp, describeDefault } from './flag-help.js';
export { type CommandLine, commandsOf, type SubCommand } from './command-line.js';
export * from './common-settings.js';
export {
  type DeepPartial,
  type LoadInput,
  type LoadResult,
  redactedYaml,
  type SettingsSource,
  sourceOf,
} from './load.js';
export { type Frozen, type Program, type Report, type SettingInfo, settingsOf } from './program.js';
export { inspectPem, validityFault } from './inspect-pem.js';
export { mergePatch, type PartEntry, partOf, type PartOptions, PartSchema, valueAt } from './part-schema.js';
export { readPemFiles } from './pem-files.js';
export type { RawValue } from './problems.js';
export { changedPaths, type Reload, type Reloaded, Reloader } from './reload.js';
export * from './setting.js';
export { type Asked, type CommandHandler, runCommand } from './run-command.js';
export { settingsOrExit } from './settings-or-exit.js';
export { type FileWatch, type WatchOptions, watchFiles } from './watch-files.js';
export { yaml } from './yaml-layer.js';
