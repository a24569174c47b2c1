import { commandsOf, type SubCommand } from '../command-line.js';
import type { Program } from '../program.js';
import { functionName } from './bash.js';
import { type CompletedFlag, completedFlags } from './completed-flags.js';

/** A script for zsh: a file `_berth-agent` in a folder of `fpath`, or sourced after `compinit`. */
export function zshCompletion(program: Program): string {
  const fn = functionName(program);
  const commands = commandsOf(program);
  // A bare message would keep zsh from offering flags.
  const argument =
    program.positional === undefined ? [] : [`*:${program.positional}:_guard "^-*" ${program.positional}`];
  const specs = [...argument, ...completedFlags(program).map(spec)];
  return `#compdef ${program.name}
# ${program.name}, for zsh: source <(${program.name} completion zsh), after compinit
${fn}() {
  local -a flags commands
  flags=(
${specs.map((one) => `    ${quoted(one)}`).join('\n')}
  )
  commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe command commands
    return
  fi
  local command=$words[2]
  case $command in
    ${commands.map(({ name }) => name).join('|')}) words=("\${(@)words[2,-1]}"); (( CURRENT-- )) ;;
  esac
  case $command in
${commands.map((command) => `    ${command.name}) _arguments ${ofCommand(command)} ;;`).join('\n')}
    *) _arguments $flags ;;
  esac
}
if [[ $funcstack[1] == ${fn} ]]; then
  ${fn} "$@"
else
  compdef ${fn} ${program.name}
fi
`;
}

function ofCommand({ words, argument, switches = {}, takesSettings }: SubCommand): string {
  return [
    ...(words === undefined ? [] : [quoted(`1:what:(${words.join(' ')})`)]),
    ...(argument === undefined ? [] : [quoted(`1:${argument}:`)]),
    ...Object.entries(switches).map(([name, meaning]) => quoted(`${name}[${bracketed(meaning)}]`)),
    takesSettings === true ? '$flags' : quoted('--help[print help]'),
  ].join(' ');
}

function spec({ name, meaning, value, repeated }: CompletedFlag): string {
  const first = `${repeated ? '*' : ''}${name}`;
  const text = `[${bracketed(meaning)}]`;
  if (value === 'none') return first + text;
  const action = value === 'file' ? '_files' : value === 'text' ? ' ' : `(${value.join(' ')})`;
  return `${first}=${text}:${value === 'file' ? 'file' : 'value'}:${action}`;
}

const bracketed = (text: string): string => text.replaceAll(/[\\[\]]/g, '\\$&');
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
