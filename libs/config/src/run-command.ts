import { messageOf } from '@berth/errors';
import { standardOutput } from '@berth/node-runtime';
import { COMPLETION, commandsOf, helpAsFlag, type SubCommand, VERIFY } from './command-line.js';
import { bashCompletion } from './completion/bash.js';
import { fishCompletion } from './completion/fish.js';
import { zshCompletion } from './completion/zsh.js';
import { commandHelp } from './flag-help.js';
import type { Program } from './program.js';

/** What a command was asked for. */
export interface Asked {
  /** one of its words, or what was given in place of its argument; empty: nothing */
  readonly word: string;
  /** those of its own that were given, such as `--json` */
  readonly switches: ReadonlySet<string>;
  /** what follows, for a command that takes the flags of a start */
  readonly rest: readonly string[];
}

/** Does what a command is for. @returns exit code; undefined: the program starts after all */
export type CommandHandler = (asked: Asked) => number | undefined | Promise<number>;

const WRONG = 2;
const SHELLS: Readonly<Record<string, (program: Program) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/**
 * Runs the command that the first argument names.
 *
 * @param argv arguments after the program's name
 * @param handlers of the program's own commands, by name
 * @returns exit code; undefined: it is a start, or `verify`, which loads settings as a start does
 */
export async function runCommand(
  program: Program,
  argv: readonly string[],
  handlers: Readonly<Record<string, CommandHandler>> = {},
): Promise<number | undefined> {
  const [first, ...rest] = helpAsFlag(argv);
  const command = commandsOf(program).find(({ name }) => name === first);
  if (command === undefined || command === VERIFY) return undefined;
  if (rest.some((one) => one === '--help' || one === '-h')) {
    standardOutput(1).write(commandHelp(program, command));
    return 0;
  }
  try {
    const asked = readAsked(command, rest);
    if (command !== COMPLETION) return await handlers[command.name]?.(asked);
    standardOutput(1).write(SHELLS[asked.word]?.(program) ?? '');
    return 0;
  } catch (thrown) {
    standardOutput(2).write(`${command.name}: ${messageOf(thrown)}\n`);
    return WRONG;
  }
}

/** What was typed is not repeated: it may be a secret. @throws Error that says what the command knows */
function readAsked({ words, argument, switches = {}, takesSettings }: SubCommand, argv: readonly string[]): Asked {
  const known = Object.keys(switches);
  const left = argv.filter((one) => !known.includes(one));
  const takesWord = words !== undefined || argument !== undefined;
  const [word = ''] = left;
  if (words !== undefined && !words.includes(word)) throw new Error(`give one of ${words.join(', ')} after it`);
  const rest = takesWord ? left.slice(1) : left;
  if (takesSettings !== true && (rest.length > 0 || word.startsWith('-'))) {
    const all = [...known, '--help'].join(', ');
    throw new Error(
      `there is an argument that it does not know; it takes ${argument ?? words?.join(', ') ?? 'none'}, ${all}`,
    );
  }
  return { word: takesWord ? word : '', switches: new Set(argv.filter((one) => known.includes(one))), rest };
}
