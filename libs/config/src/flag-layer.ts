import { Command, CommanderError, Option } from 'commander';
import { addHelp, helpGroup, valueName } from './flag-help.js';
import type { Problems, RawValue } from './problems.js';
import type { Schema, SettingInfo } from './setting-list.js';

/** What the command line says. */
export interface Flags {
  readonly values: readonly RawValue[];
  /** `--config` */
  readonly file?: string;
  readonly printConfig: boolean;
  /** text of `--help` or `--version`: print it and end */
  readonly output?: string;
}

/** Reads the command line; what is wrong with it goes into `problems`. */
export function readFlags(schema: Schema, argv: readonly string[], version: string, problems: Problems): Flags {
  let output = '';
  const command = new Command(schema.program)
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'print this text')
    .exitOverride()
    .configureOutput({ writeOut: (text) => (output += text), writeErr: () => undefined })
    .option('--config <file>', `YAML file with settings (default: ${schema.fileName}, when it exists)`)
    .option('--print-config', 'print the settings that result, without secrets, and end');
  addHelp(command, schema);
  if (schema.positional !== undefined) command.argument(`[${schema.positional}]`, describe(schema, schema.positional));
  for (const setting of schema.settings) addOptions(command, setting);

  try {
    command.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { values: [], printConfig: false, output };
    problems.add('command line', complaint(error));
    // Parsing stopped at the last argument; without it, the others are still understood.
    if (error.code === 'commander.optionMissingArgument')
      return readFlags(schema, argv.slice(0, -1), version, problems);
  }
  const given = command.opts<Record<string, string | boolean | undefined>>();
  const file = given['config'];
  return {
    values: valuesOf(command, schema, problems),
    ...(typeof file === 'string' && { file }),
    printConfig: given['printConfig'] === true,
  };
}

function addOptions(command: Command, setting: SettingInfo): void {
  const { alias, flag, kind } = setting;
  const names = (prefix: string): string =>
    [alias, flag].flatMap((name) => (name === undefined ? [] : [name.replace(/^--/, prefix)])).join(', ');
  if (kind === 'boolean') {
    command.addOption(new Option(names('--'), setting.description).helpGroup(helpGroup(setting)));
    command.addOption(new Option(names('--no-')).hideHelp());
    return;
  }
  const option = new Option(`${names('--')} <${valueName(setting)}>`, setting.description);
  if (kind === 'list' || kind === 'ports' || kind === 'texts') {
    option.argParser((text: string, before: string | undefined) => (before === undefined ? text : `${before},${text}`));
  }
  command.addOption(option.helpGroup(helpGroup(setting)));
}

function valuesOf(command: Command, schema: Schema, problems: Problems): RawValue[] {
  const values = schema.settings.flatMap(({ path, flag, alias }) => {
    const option = command.options.find(({ long }) => long === flag);
    const value: unknown = option && command.getOptionValue(option.attributeName());
    return value === undefined ? [] : [{ path, value, source: `flag ${alias ?? flag}` }];
  });
  const [first] = command.args;
  if (schema.positional === undefined || first === undefined || first.startsWith('-')) return values;
  const path = schema.positional;
  if (values.some((value) => value.path === path)) problems.add(path, 'is given twice, with a flag and without');
  return [...values, { path, value: first, source: 'the command line' }];
}

/** Commander's own messages quote what was typed, which may be a secret: the flag's name is all that is kept. */
function complaint(error: CommanderError): string {
  const flag = /'(--?[^\s'=,]+)/.exec(error.message)?.[1] ?? '';
  switch (error.code) {
    case 'commander.unknownOption': {
      const similar = /\(Did you mean (.+?)\?\)/.exec(error.message)?.[1];
      return `${flag} is no flag${similar === undefined ? '; --help lists them' : `; did you mean ${similar}?`}`;
    }
    case 'commander.optionMissingArgument':
      return `${flag} needs a value`;
    case 'commander.excessArguments':
      return 'too many arguments without a flag';
    default:
      return 'cannot be understood; --help says how';
  }
}

const describe = (schema: Schema, path: string): string =>
  schema.settings.find((setting) => setting.path === path)?.description ?? '';
