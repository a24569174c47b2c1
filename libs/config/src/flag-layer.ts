import { Command, CommanderError, Option } from 'commander';
import { commandsOf, helpAsFlag, VERIFY } from './command-line.js';
import { addHelp, commandHelp, describeDefault, valueName } from './flag-help.js';
import type { Problems, RawValue } from './problems.js';
import { type Program, type SettingInfo, settingsOf } from './program.js';
import { didYouMean, similarNames, suggestedIn } from './similar.js';

/** What the command line says. */
export interface Flags {
  readonly values: readonly RawValue[];
  /** `--config` */
  readonly file?: string | undefined;
  readonly printConfig: boolean;
  /** the first argument is `verify`: look at settings and files, and end */
  readonly verify: boolean;
  /** text of `--help`, `--help-all` or `--version`: print it and end */
  readonly output?: string;
}

const HELP_ALL = '--help-all';

/** Reads the command line; what is wrong with it goes into `problems`. */
export function readFlags(program: Program, given: readonly string[], problems: Problems): Flags {
  const argv = helpAsFlag(given);
  const [first, ...rest] = argv;
  if (first !== VERIFY.name) return { ...readOptions(program, argv, problems), verify: false };
  if (rest.some((one) => one === '--help' || one === '-h'))
    return { values: [], printConfig: false, verify: true, output: commandHelp(program, VERIFY) };
  return { ...readOptions(program, rest, problems), verify: true };
}

function readOptions(program: Program, argv: readonly string[], problems: Problems): Omit<Flags, 'verify'> {
  let output = '';
  const all = argv.includes(HELP_ALL);
  const command = new Command(program.name);
  command
    .version(program.version, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this text')
    .option(HELP_ALL, 'print the same with every flag')
    .on('option:help-all', () => {
      command.help();
    })
    .exitOverride()
    .configureOutput({ writeOut: (text) => (output += text), writeErr: () => undefined })
    .option('--config <file>', `YAML file with settings (default: ${program.fileName}, when it exists)`)
    .option('--print-config', 'print the settings that result, without secrets, and end');
  addHelp(command, program, all);
  const options = settingsOf(program).map((setting) => {
    if (setting.path === program.positional) command.argument(`[${setting.path}]`, setting.description);
    const isShown = all || program.commandLine?.daily.includes(setting.path) !== false;
    return [setting, addOption(command, setting, all ? `${setting.section}:` : 'Options:', isShown)] as const;
  });

  try {
    command.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { values: [], printConfig: false, output };
    problems.add('command line', complaint(error, command.args, program));
    // Parsing stopped at the last argument; without it, the others are still understood.
    if (error.code === 'commander.optionMissingArgument') return readOptions(program, argv.slice(0, -1), problems);
  }
  const values = options.flatMap(([{ path, flag, alias }, option]) => {
    const value: unknown = command.getOptionValue(option.attributeName());
    return value === undefined ? [] : [{ path, value, source: `flag ${alias ?? flag}` }];
  });
  const path = program.positional;
  const [first] = command.args;
  if (path !== undefined && first !== undefined && !first.startsWith('-')) {
    if (values.some((value) => value.path === path)) problems.add(path, 'is given twice, with a flag and without');
    values.push({
      path,
      value: first,
      source: `the command line${/^[a-z-]+$/.test(first) ? `; ${commandHint(program, first)}` : ''}`,
    });
  }
  const { config: file, printConfig = false } = command.opts<{ config?: string; printConfig?: boolean }>();
  return { values, file, printConfig };
}

/** @returns the one whose value counts */
function addOption(command: Command, setting: SettingInfo, group: string, isShown: boolean): Option {
  const { alias, flag, kind, description } = setting;
  const names = alias === undefined ? flag : `${alias}, ${flag}`;
  const standard = describeDefault(setting);
  const option = new Option(
    kind === 'boolean' ? names : `${names} <${valueName(setting)}>`,
    standard === '' ? description : `${description} (${standard})`,
  );
  if (kind === 'list' || kind === 'ports' || kind === 'texts')
    option.argParser((text: string, before: string | undefined) => (before === undefined ? text : `${before},${text}`));
  command.addOption(option.helpGroup(group).hideHelp(!isShown));
  if (kind === 'boolean') command.addOption(new Option(names.replaceAll('--', '--no-')).hideHelp());
  return option;
}

/** Commander's own messages quote what was typed, which may be a secret: the flag's name is all that is kept. */
function complaint({ code, message }: CommanderError, args: readonly string[], program: Program): string {
  const flag = /'(--?[^\s'=,]+)/.exec(message)?.[1] ?? '';
  switch (code) {
    case 'commander.unknownOption':
      return `${flag} is no flag; ${didYouMean(suggestedIn(message)) || '--help-all lists them'}`;
    case 'commander.optionMissingArgument':
      return `${flag} needs a value`;
    case 'commander.excessArguments':
      return `${program.positional === undefined ? 'takes no' : 'too many'} arguments without a flag; ${commandHint(program, args[0])}`;
    default:
      return 'cannot be understood; --help says how';
  }
}

/** @param written in place of a command */
function commandHint(program: Program, written = ''): string {
  const names = commandsOf(program).map(({ name }) => name);
  return didYouMean(similarNames(written, names)) || `commands are ${names.join(', ')}`;
}
