import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { BerthError, messageOf } from '@berth/errors';
import { Draft, getAt, setAt } from './draft.js';
import { readEnvLayer } from './env-layer.js';
import { type Flags, readFlags } from './flag-layer.js';
import { Problems, withoutUserInfo } from './problems.js';
import { type Frozen, type Program, settingsOf } from './program.js';
import { flattenTree, readYamlLayer, yaml } from './yaml-layer.js';

/** Where settings are looked for; default: arguments, environment and folder of this process. */
export interface LoadInput {
  /** arguments after the program's name */
  readonly argv?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** folder of the YAML file and base of relative paths */
  readonly cwd?: string;
}

/**
 * Settings to start with and what to warn of; or, after `--help`, `--version`,
 * `--print-config` and `verify`, a text to print and the exit code.
 */
export type LoadResult<T> =
  | { readonly kind: 'settings'; readonly settings: Frozen<T>; readonly warnings: readonly string[] }
  | { readonly kind: 'exit'; readonly code: number; readonly output: string };

/** The same tree with every key optional; lists are given whole. */
export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T;

/** The two ways to a program's settings; both throw `BERTH_CONFIG_INVALID` with a line per problem, secrets left out. */
export interface SettingsSource<T> {
  /** path of the YAML file that {@link load} reads, if there is one */
  readonly fileOf: (input?: LoadInput) => string;
  /** the program's YAML file, the environment over it, flags over both */
  readonly load: (input?: LoadInput) => LoadResult<T>;
  /**
   * Frozen settings without any file, environment or flag.
   *
   * @param overrides what differs from the defaults; a key that is `undefined` keeps its default
   */
  readonly withDefaults: (overrides?: DeepPartial<Frozen<T>>) => Frozen<T>;
}

/** What a program's settings come from. */
export function sourceOf<T extends object>(program: Program<T>): SettingsSource<T> {
  const settings = settingsOf(program);
  return {
    fileOf: ({ argv = process.argv.slice(2), env = process.env, cwd = process.cwd() } = {}) =>
      resolve(cwd, namedFile(program, readFlags(program, argv, new Problems()), env).name),
    load: ({ argv = process.argv.slice(2), env = process.env, cwd = process.cwd() } = {}) => {
      const problems = new Problems();
      const warnings: string[] = [];
      const flags = readFlags(program, argv, problems);
      if (flags.output !== undefined) return { kind: 'exit', code: 0, output: flags.output };
      const { name, namedBy } = namedFile(program, flags, env);
      const finish = (draft: Draft<T>): LoadResult<T> => {
        if (flags.verify) return verified(draft, program, name, cwd);
        const result = draft.finish();
        if (flags.printConfig) return { kind: 'exit', code: 0, output: redactedYaml(program, result) };
        return { kind: 'settings', settings: result, warnings };
      };
      const own = [
        ...readYamlLayer(name, namedBy, cwd, settings, problems),
        ...readEnvLayer(env, settings, (text) => warnings.push(text)),
        ...flags.values,
      ];
      const values = [...(program.ambient?.(env, own) ?? []), ...own];
      return finish(new Draft(program, values, cwd, problems));
    },
    withDefaults: (overrides) => {
      const problems = new Problems();
      const values = flattenTree(overrides, () => 'options', settings, problems);
      return new Draft(program, values, process.cwd(), problems).finish();
    },
  };
}

/** What `verify` says: one line, or everything that is wrong. */
function verified<T extends object>(draft: Draft<T>, program: Program<T>, file: string, cwd: string): LoadResult<T> {
  try {
    const settings = draft.finish(true);
    const what = existsSync(resolve(cwd, file)) ? `${file} is fine` : `there is no ${file}; without it all is fine`;
    const said = program.summarise?.(settings) ?? '';
    return { kind: 'exit', code: 0, output: `${what}${said === '' ? '' : `: ${said}`}\n` };
  } catch (thrown) {
    if (BerthError.from(thrown).code !== 'BERTH_CONFIG_INVALID') throw thrown;
    return { kind: 'exit', code: 1, output: `${messageOf(thrown)}\n` };
  }
}

/** The YAML file, and what named it: undefined for the usual one, which need not exist. */
function namedFile(
  { fileEnv, fileName }: Program,
  { file }: Pick<Flags, 'file'>,
  env: NodeJS.ProcessEnv,
): { name: string; namedBy: string | undefined } {
  if (file !== undefined) return { name: file, namedBy: 'flag --config' };
  const name = env[fileEnv];
  return name ? { name, namedBy: `env ${fileEnv}` } : { name: fileName, namedBy: undefined };
}

/** Settings as YAML for people and logs; each secret that is set reads `[REDACTED]`, and the user of a URL. */
export function redactedYaml(program: Program, settings: object): string {
  const copy = structuredClone(settings);
  for (const { path, kind, secret } of settingsOf(program)) {
    const value = getAt(copy, path);
    if (secret === true && !isEmpty(value)) setAt(copy, path, '[REDACTED]');
    else if (kind === 'text' && typeof value === 'string') setAt(copy, path, withoutUserInfo(value));
  }
  return yaml().stringify(copy);
}

function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}
