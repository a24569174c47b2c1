import { Command, CommanderError, Option } from 'commander';
import { addHelp, valueName } from './flag-help.js';
import type { Problems, RawValue } from './problems.js';
import { type ProgramNames, type SettingInfo, settingsOf } from './program.js';

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
export function readFlags(program: ProgramNames, argv: readonly string[], version: string, problems: Problems): Flags {
  let output = '';
  const command = new Command(program.name)
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'print this text')
    .exitOverride()
    .configureOutput({ writeOut: (text) => (output += text), writeErr: () => undefined })
    .option('--config <file>', `YAML file with settings (default: ${program.fileName}, when it exists)`)
    .option('--print-config', 'print the settings that result, without secrets, and end');
  addHelp(command, program);
  for (const setting of settingsOf(program)) {
    if (setting.path === program.positional) command.argument(`[${setting.path}]`, setting.description);
    addOptions(command, setting);
  }

  try {
    command.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { values: [], printConfig: false, output };
    problems.add('command line', complaint(error));
    // Parsing stopped at the last argument; without it, the others are still understood.
    if (error.code === 'commander.optionMissingArgument')
      return readFlags(program, argv.slice(0, -1), version, problems);
  }
  const given = command.opts<Record<string, string | boolean | undefined>>();
  const file = given['config'];
  return {
    values: valuesOf(command, program, problems),
    ...(typeof file === 'string' && { file }),
    printConfig: given['printConfig'] === true,
  };
}

function addOptions(command: Command, setting: SettingInfo): void {
  const { alias, flag, kind } = setting;
  const names = (prefix: string): string =>
    [alias, flag].flatMap((name) => (name === undefined ? [] : [name.replace(/^--/, prefix)])).join(', ');
  if (kind === 'boolean') {
    command.addOption(new Option(names('--'), setting.description).helpGroup(`${setting.section}:`));
    command.addOption(new Option(names('--no-')).hideHelp());
    return;
  }
  const option = new Option(`${names('--')} <${valueName(setting)}>`, setting.description);
  if (kind === 'list' || kind === 'ports' || kind === 'texts') {
    option.argParser((text: string, before: string | undefined) => (before === undefined ? text : `${before},${text}`));
  }
  command.addOption(option.helpGroup(`${setting.section}:`));
}

function valuesOf(command: Command, program: ProgramNames, problems: Problems): RawValue[] {
  const values = settingsOf(program).flatMap(({ path, flag, alias }) => {
    const option = command.options.find(({ long }) => long === flag);
    const value: unknown = option && command.getOptionValue(option.attributeName());
    return value === undefined ? [] : [{ path, value, source: `flag ${alias ?? flag}` }];
  });
  const [first] = command.args;
  const path = program.positional;
  if (path === undefined || first === undefined || first.startsWith('-')) return values;
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
