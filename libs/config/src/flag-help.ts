import type { Command, Option } from 'commander';
import { BERTH_PREFIX, type Program, type SettingInfo, settingsOf } from './program.js';

const WIDTH = 120;

/** First argument that asks to look at settings and files only. */
export const VERIFY = 'verify';

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
export function describeDefault({ defaultValue, required }: SettingInfo): string {
  if (required !== undefined) return 'required';
  if (typeof defaultValue === 'object' && defaultValue !== null) return '';
  return defaultValue === '' ? '' : `default: ${String(defaultValue)}`;
}

/** Gives the command its description, examples and readable options. */
export function addHelp(command: Command, program: Program): void {
  const settings = settingsOf(program);
  const { env = '', flag = '' } = settings.find(({ kind }) => kind === 'integer') ?? {};
  const secret = settings.find((setting) => setting.secret);
  const text = `
Commands:
  ${VERIFY}  looks at the settings and the files that they name, as given by the same flags, and ends:
          with 0 when all is fine, with 1 and everything that is wrong otherwise

Settings come from ${program.fileName}, the environment over it, flags over both.
Every flag has its variable: ${flag} is ${env}, or ${BERTH_PREFIX}${env}.
${program.fileEnv} names another file, as --config does.

A token on the command line can be seen by every user of the machine in the list of processes.
Better: --token-file, or ${secret?.env ?? ''} in the environment.
${program.example === undefined ? '' : `\nExample:\n  ${program.example}\n`}`;
  command
    .description(program.summary)
    .configureOutput({ getOutHelpWidth: () => WIDTH, getErrHelpWidth: () => WIDTH })
    .configureHelp({ optionTerm })
    .addHelpText('after', text);
}

/** Switches are shown together with their opposite. */
function optionTerm({ flags, long }: Option): string {
  const isSetting = long !== '--print-config' && long !== '--help' && long !== '--version';
  return isSetting && !flags.includes('<') ? flags.replaceAll('--', '--[no-]') : flags;
}
