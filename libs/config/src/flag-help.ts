import type { Command, Option } from 'commander';
import { commandsOf, type ExitCodes, type SubCommand, usageOf } from './command-line.js';
import { BERTH_PREFIX, type Program, type SettingInfo, settingsOf } from './program.js';

const WIDTH = 120;
/** Of the left column, which examples, commands and exit codes share. */
const LEFT = 40;

/** What stands for the value in `--help`. */
export function valueName({ kind, choices = [] }: SettingInfo): string {
  const names = {
    integer: 'number',
    list: 'a,b',
    ports: 'id=port,…',
    texts: 'name=text,…',
    tree: 'json',
    choice: choices.join('|'),
  };
  return kind in names ? names[kind as keyof typeof names] : kind;
}

/** A default for people; nothing when the setting is empty by default. */
export function describeDefault({ defaultValue, required, standard }: SettingInfo): string {
  if (standard !== undefined) return `default: ${standard}`;
  if (required !== undefined) return 'required';
  if (typeof defaultValue === 'object' && defaultValue !== null) return '';
  return defaultValue === '' ? '' : `default: ${String(defaultValue)}`;
}

/**
 * Gives the command its description, examples and readable options.
 *
 * @param all every flag, and not only those that people need every day
 */
export function addHelp(command: Command, program: Program, all: boolean): void {
  const { examples = {}, exitCodes = {} } = program.commandLine ?? {};
  const commands = Object.fromEntries(commandsOf(program).map((one) => [usageOf(one), one.summary]));
  const shown = Object.entries(examples).map(([text, meaning]) => `  ${text}\n      ${meaning}\n`);
  command
    .description(program.summary)
    .configureOutput({ getOutHelpWidth: () => WIDTH, getErrHelpWidth: () => WIDTH })
    .configureHelp({ optionTerm })
    .addHelpText('before', shown.length === 0 ? '' : `Examples:\n${shown.join('')}`)
    .addHelpText('after', () => {
      const end = all ? places(program) : more(program);
      return `\nCommands, as the first argument:\n${rows(commands)}\nExit codes:\n${rows(exitCodes)}\n${end}`;
    });
}

/** Help of one command. */
export function commandHelp(program: Program, command: SubCommand): string {
  const { exitCodes = {}, switches = {}, takesSettings } = command;
  const flags = takesSettings === true ? `\nThe flags of a start count too: ${program.name} --help-all\n` : '';
  return [
    `Usage: ${program.name} ${usageOf(command)}\n\n${command.name} ${command.summary}.\n`,
    ...(Object.keys(switches).length > 0 ? [`\nOptions:\n${rows(switches)}`] : []),
    flags,
    ...(Object.keys(exitCodes).length > 0 ? [`\nExit codes:\n${rows(exitCodes)}`] : []),
  ].join('');
}

function more(program: Program): string {
  return `--help-all lists all ${settingsOf(program).length} settings with their flags, and where else they can be given.\n`;
}

function places(program: Program): string {
  const settings = settingsOf(program);
  const { env = '', flag = '' } = settings.find(({ kind }) => kind === 'integer') ?? {};
  const secret = settings.find((setting) => setting.secret);
  return `Settings come from ${program.fileName}, the environment over it, flags over both.
Every flag has its variable: ${flag} is ${env}, or ${BERTH_PREFIX}${env}.
${program.fileEnv} names another file, as --config does.

A token on the command line can be seen by every user of the machine in the list of processes.
Better: --token-file, or ${[secret?.sharedEnv, secret?.env].flatMap((name) => name ?? []).join(' or ')} in the environment.
`;
}

function rows(texts: Readonly<Record<string, string>> | ExitCodes): string {
  return Object.entries(texts)
    .map(([left, right]: [string, string]) => {
      const gap = left.length > LEFT - 4 ? `\n${' '.repeat(LEFT)}` : ' '.repeat(LEFT - 2 - left.length);
      return `  ${left}${gap}${right}\n`;
    })
    .join('');
}

/** Switches are shown together with their opposite. */
function optionTerm({ flags, long }: Option): string {
  const isSetting = !['--print-config', '--help', '--help-all', '--version'].includes(long ?? '');
  return isSetting && !flags.includes('<') ? flags.replaceAll('--', '--[no-]') : flags;
}
