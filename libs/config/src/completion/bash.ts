import { commandsOf } from '../command-line.js';
import type { Program } from '../program.js';
import { completedFlags } from './completed-flags.js';

/**
 * A script for bash 3.2 and later. Names of files are left to readline, which
 * knows how to quote them: that is what an empty answer means with `-o default`.
 */
export function bashCompletion(program: Program): string {
  const flags = completedFlags(program);
  const all = flags.map(({ name }) => name);
  const commands = commandsOf(program);
  const named = (value: 'file' | 'text'): string =>
    flags.flatMap((flag) => (flag.value === value ? [flag.name] : [])).join('|');
  const choices = flags.flatMap(({ name, value }) =>
    typeof value === 'string' ? [] : [`    ${name}) words='${value.join(' ')}' ;;`],
  );
  const ofCommands = commands.map(({ name, words = [], switches = {}, takesSettings }) => {
    const its = [...Object.keys(switches), ...(takesSettings === true ? all : ['-h', '--help'])];
    return `    ${name}) flags='${its.join(' ')}' words='${words.join(' ')}' ;;`;
  });
  const fn = functionName(program);
  return `# ${program.name}, for bash: eval "$(${program.name} completion bash)"
${fn}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} flag=\${COMP_WORDS[COMP_CWORD-1]} flags='' words=''
  COMPREPLY=()
  # --flag=value comes as three words.
  if [[ $cur == = ]]; then cur=''
  elif [[ $flag == = ]]; then flag=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  case $flag in
    ${named('file')}) return ;;
  esac
  # From here on no names of files.
  compopt +o default 2>/dev/null
  case $flag in
    ${named('text')}) return ;;
${choices.join('\n')}
  esac
  if [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    return
  fi
  case \${COMP_WORDS[1]} in
${ofCommands.join('\n')}
    *) flags='${all.join(' ')}' ;;
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$cur"))
  elif [[ $COMP_CWORD -eq 2 && -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}
complete -o default -F ${fn} ${program.name}
`;
}

/** `_berth_agent` */
export function functionName({ name }: Program): string {
  return `_${name.replaceAll('-', '_')}`;
}
