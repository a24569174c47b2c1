import { commandsOf } from '../command-line.js';
import type { Program } from '../program.js';
import { completedFlags } from './completed-flags.js';

/** A script for fish 3: a file `berth-agent.fish` in its folder of completions, or sourced. */
export function fishCompletion(program: Program): string {
  const commands = commandsOf(program);
  const without = commands.flatMap(({ name, takesSettings }) => (takesSettings === true ? [] : [name]));
  const complete = `complete -c ${program.name}`;
  const atStart = `-n ${quoted(`not __fish_seen_subcommand_from ${without.join(' ')}`)}`;
  const lines = [
    ...commands.map(({ name, summary }) => `-n __fish_is_first_arg -a ${name} -d ${quoted(summary)}`),
    ...commands.flatMap(({ name, words = [], switches = {} }) => {
      const inside = `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
      const notYet = `-n ${quoted(`__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from ${words.join(' ')}`)}`;
      return [
        ...(words.length > 0 ? [`${notYet} -a ${quoted(words.join(' '))}`] : []),
        ...Object.entries(switches).map(([flag, meaning]) => `${inside} -l ${flag.slice(2)} -d ${quoted(meaning)}`),
      ];
    }),
    ...completedFlags(program).map(({ name, meaning, value }) => {
      const its = name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`;
      const takes = { none: '', file: ' -r -F', text: ' -x' };
      const what = typeof value === 'string' ? takes[value] : ` -x -a ${quoted(value.join(' '))}`;
      return `${atStart} ${its}${what} -d ${quoted(meaning)}`;
    }),
  ];
  const intro = `# ${program.name}, for fish: ${program.name} completion fish | source\n${complete} -f\n`;
  return `${intro}${lines.map((line) => `${complete} ${line}\n`).join('')}`;
}

const quoted = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
