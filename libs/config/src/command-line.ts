import type { Program } from './program.js';

/** What a program can be asked for instead of a start, by its first argument. */
export interface SubCommand {
  readonly name: string;
  /** for `--help`, one sentence without its period */
  readonly summary: string;
  /** words of which its first argument is one */
  readonly words?: readonly string[];
  /** an argument that is free, by its name for `--help` */
  readonly argument?: string;
  /** flags of its own, which take no value, with their meanings */
  readonly switches?: Readonly<Record<string, string>>;
  /** takes the flags of a start too */
  readonly takesSettings?: boolean;
  /** exit codes where they differ from those of a start, with their meanings */
  readonly exitCodes?: ExitCodes;
}

export type ExitCodes = Readonly<Record<number, string>>;

/** What a program's command line says of itself. */
export interface CommandLine {
  /** what people do every day: command and meaning */
  readonly examples: Readonly<Record<string, string>>;
  /** paths of the settings that the short help shows, in this order */
  readonly daily: readonly string[];
  readonly exitCodes: ExitCodes;
  /** besides `verify` and `completion`, which every program has */
  readonly commands: readonly SubCommand[];
}

export const VERIFY: SubCommand = {
  name: 'verify',
  summary: 'looks at the settings and the files that they name, as given by the same flags, and ends',
  takesSettings: true,
  exitCodes: { 0: 'all is fine', 1: 'something is wrong, and all of it is printed' },
};

export const COMPLETION: SubCommand = {
  name: 'completion',
  summary: 'prints what has a shell complete commands, flags, their values and files',
  words: ['bash', 'zsh', 'fish'],
};

/** `help status` means `status --help`. */
export function helpAsFlag(argv: readonly string[]): readonly string[] {
  return argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv;
}

/** In the order in which people are told of them. */
export function commandsOf({ commandLine }: Program): readonly SubCommand[] {
  return [...(commandLine?.commands ?? []), VERIFY, COMPLETION];
}

/** `completion bash|zsh|fish`, as it is written. */
export function usageOf({ name, words, argument, switches = {}, takesSettings }: SubCommand): string {
  return [
    name,
    ...(words === undefined ? [] : [words.join('|')]),
    ...(argument === undefined ? [] : [`[${argument}]`]),
    ...Object.keys(switches).map((flag) => `[${flag}]`),
    ...(takesSettings === true ? ['[options]'] : []),
  ].join(' ');
}
