import type { Command, Option } from 'commander';
import { BERTH_PREFIX, type ProgramNames, type SettingInfo, settingsOf } from './program.js';

const WIDTH = 120;

/** What stands for the value in `--help`. */
export function valueName({ kind, choices }: SettingInfo): string {
  const names = { integer: 'number', file: 'file', list: 'a,b', ports: 'id=port,…', texts: 'name=text,…' };
  if (kind === 'choice') return (choices ?? []).join('|');
  return kind === 'text' || kind === 'boolean' ? 'text' : names[kind];
}

/** Gives the command its description, examples and readable options. */
export function addHelp(command: Command, program: ProgramNames): void {
  const settings = settingsOf(program);
  const example = settings.find(({ kind }) => kind === 'integer');
  const secret = settings.find((setting) => setting.secret);
  const lines = [
    '',
    `Settings come from ${program.fileName}, the environment over it, flags over both.`,
    `Every flag has its variable: ${example?.flag ?? ''} is ${example?.env ?? ''}, or ${BERTH_PREFIX}${example?.env ?? ''}.`,
    `${program.fileEnv} names another file, as --config does.`,
    '',
    'A token on the command line can be seen by every user of the machine in the list of processes.',
    `Better: --token-file, or ${secret?.env ?? ''} in the environment.`,
    ...(program.example === undefined ? [] : ['', 'Example:', `  ${program.example}`]),
    '',
  ];
  command
    .description(program.summary)
    .configureOutput({ getOutHelpWidth: () => WIDTH, getErrHelpWidth: () => WIDTH })
    .configureHelp({
      optionTerm: (option: Option) => optionTerm(option),
      optionDescription: (option: Option) => {
        const setting = settings.find(({ flag }) => flag === option.long);
        const standard = setting ? describeDefault(setting) : '';
        return standard === '' ? option.description : `${option.description} (${standard})`;
      },
    })
    .addHelpText('after', lines.join('\n'));
}

/** Switches are shown together with their opposite. */
function optionTerm({ flags, long }: Option): string {
  const isSetting = long !== '--print-config' && long !== '--help' && long !== '--version';
  return isSetting && !flags.includes('<') ? flags.replaceAll('--', '--[no-]') : flags;
}

/** A default for people; nothing when the setting is empty by default. */
export function describeDefault({ defaultValue, required }: SettingInfo): string {
  if (required !== undefined) return 'required';
  if (typeof defaultValue === 'object' && defaultValue !== null) return '';
  return defaultValue === '' ? '' : `default: ${String(defaultValue)}`;
}
