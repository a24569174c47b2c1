import type { CommandLine } from './command-line.js';
import type { Draft } from './draft.js';
import type { RawValue } from './problems.js';
import { type SettingSpec, specOf } from './setting.js';

/** Settings as the rooms of a program see them: plain objects that nobody can change. */
export type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** Reports what is wrong at a path, unless that path or one of `others` is already known to be wrong. */
export type Report = (path: string, what: string, ...others: readonly string[]) => void;

/** A program's settings: how they are named, where their values are looked for, and what is true of them together. */
export interface Program<T extends object = object> {
  readonly name: string;
  readonly version: string;
  /** first line of `--help` */
  readonly summary: string;
  /** examples, commands and exit codes; none: it has no command line */
  readonly commandLine?: CommandLine;
  /** heading for settings outside any group */
  readonly title: string;
  /** begins the names of environment variables, such as `AGENT_` */
  readonly envPrefix: string;
  /** the setting that takes the argument without a flag */
  readonly positional?: string;
  /** name of the YAML file in the working directory */
  readonly fileName: string;
  /** variable that names another one */
  readonly fileEnv: string;
  /** makes the settings with their defaults, an instance of a class with groups */
  defaults(): T;
  /** what the environment says to all programs; weaker than any other place */
  ambient?(env: NodeJS.ProcessEnv, values: readonly RawValue[]): RawValue[];
  /** fills in what follows from other settings, before they are validated */
  prepare(draft: Draft<T>): void;
  /** rules between settings */
  check(settings: T, report: Report): void;
  /**
   * `verify`: looks at the files that the settings name, without starting anything. A file that the program reads
   * whenever it needs it belongs here, and what would only show at start.
   */
  inspect?(settings: T, report: Report): void;
  /** what `verify` says of settings that are fine, such as the addresses they name; no secrets */
  summarise?(settings: Frozen<T>): string;
}

/** One setting with all its names. */
export interface SettingInfo extends SettingSpec {
  /** as in the YAML file: `http.agentPortRange.start` */
  readonly path: string;
  /** environment variable: `HTTP_AGENT_PORT_RANGE_START`; {@link BERTH_PREFIX} may stand before it */
  readonly env: string;
  /** long flag: `--http-agent-port-range-start` */
  readonly flag: string;
  /** heading of its group */
  readonly section: string;
  readonly defaultValue: unknown;
}

/** Before the name of a variable it makes one that nobody else injects. */
export const BERTH_PREFIX = 'BERTH_';

/** A program's settings one by one, in the order of their classes. */
export function settingsOf(program: Program): SettingInfo[] {
  return listOf(program, program.defaults(), program.title, '');
}

function listOf(program: Program, node: object, section: string, parent: string, isLive = false): SettingInfo[] {
  return Object.entries(node).flatMap(([property, value]: [string, unknown]) => {
    const path = parent + property;
    const spec = specOf(node, property);
    if (spec === undefined) throw new Error(`${path} of ${program.name} has no decorator that makes it a setting`);
    if (spec.kind === 'group')
      return listOf(program, value as object, spec.title || section, `${path}.`, isLive || spec.live);
    const name = path.replaceAll('.', '_').replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2');
    const flag = `--${name.replaceAll('_', '-').toLowerCase()}`;
    const live = isLive || spec.live === true;
    return [{ ...spec, live, path, env: program.envPrefix + name.toUpperCase(), flag, section, defaultValue: value }];
  });
}
