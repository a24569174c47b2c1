import { Draft } from './draft.js';
import { type Environment, readEnvLayer } from './env-layer.js';
import { readFlags } from './flag-layer.js';
import { Problems } from './problems.js';
import { type Frozen, type Program, settingsOf } from './program.js';
import { redactedYaml } from './redacted-yaml.js';
import { flattenTree, readYamlLayer } from './yaml-layer.js';

/** Where settings are looked for. */
export interface LoadInput {
  /** what `--version` prints */
  readonly version: string;
  /** arguments after the program's name; default: those of this process */
  readonly argv?: readonly string[];
  /** environment; default: that of this process */
  readonly env?: Environment;
  /** folder of the YAML file and base of relative paths; default: that of this process */
  readonly cwd?: string;
}

/**
 * Settings to start with and what to warn of; or, after `--help`, `--version`
 * and `--print-config`, a text to print and the exit code.
 */
export type LoadResult<T> =
  | { readonly kind: 'settings'; readonly settings: Frozen<T>; readonly warnings: readonly string[] }
  | { readonly kind: 'exit'; readonly code: number; readonly output: string };

/**
 * A program's settings: its YAML file, the environment over it, flags over both.
 *
 * @throws BerthError `BERTH_CONFIG_INVALID`, a line per problem, secrets left out
 */
export function loadSettings<T extends object>(program: Program<T>, input: LoadInput): LoadResult<T> {
  const { argv = process.argv.slice(2), env = process.env, cwd = process.cwd(), version } = input;
  const problems = new Problems();
  const warnings: string[] = [];
  const flags = readFlags(program, argv, version, problems);
  if (flags.output !== undefined) return { kind: 'exit', code: 0, output: flags.output };
  const named = env[program.fileEnv];
  const file =
    flags.file !== undefined
      ? { name: flags.file, namedBy: 'flag --config' }
      : named !== undefined && named !== ''
        ? { name: named, namedBy: `env ${program.fileEnv}` }
        : { name: program.fileName };
  const own = [
    ...readYamlLayer(file, cwd, settingsOf(program), problems),
    ...readEnvLayer(env, settingsOf(program), (text) => warnings.push(text)),
    ...flags.values,
  ];
  const values = [...(program.ambient?.(env, own) ?? []), ...own];
  const settings = new Draft(program, values, cwd, problems).finish();
  if (flags.printConfig) return { kind: 'exit', code: 0, output: redactedYaml(program, settings) };
  return { kind: 'settings', settings, warnings };
}

/** The same tree with every key optional; lists are given whole. */
export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T;

/**
 * Frozen settings without any file, environment or flag.
 *
 * @param overrides what differs from the defaults; a key that is `undefined` keeps its default
 * @throws BerthError `BERTH_CONFIG_INVALID`, as for settings that come from a file
 */
export function settingsFrom<T extends object>(
  program: Program<T>,
  overrides: NoInfer<DeepPartial<Frozen<T>>>,
): Frozen<T> {
  const problems = new Problems();
  const values = flattenTree(overrides, 'options', settingsOf(program), problems);
  return new Draft(program, values, process.cwd(), problems).finish();
}
