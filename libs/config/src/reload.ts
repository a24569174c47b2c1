import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '@berth/errors';
import { getAt, setAt } from './draft.js';
import type { LoadResult } from './load.js';
import { Problems } from './problems.js';
import { type Frozen, type Program, settingsOf } from './program.js';

/** Settings of a running program that were looked up again. */
export interface Reloaded<T> {
  readonly kind: 'reloaded';
  /** in force from now on: the new values of what can change, the old ones of what cannot */
  readonly settings: Frozen<T>;
  /** paths of those with a new value in `settings`; empty: nothing is different */
  readonly changed: readonly string[];
  /** paths of those whose new value waits for a restart */
  readonly needRestart: readonly string[];
  readonly warnings: readonly string[];
}

/** What came of looking settings up again; `problems` has a line for each, and nothing has changed. */
export type Reload<T> = Reloaded<T> | { readonly kind: 'refused'; readonly problems: string };

/**
 * Paths of the settings whose values differ, in the order of their classes.
 * Names with ports or texts count as one setting.
 */
export function changedPaths(program: Program, before: object, after: object): string[] {
  return settingsOf(program)
    .map(({ path }) => path)
    .filter((path) => !isDeepStrictEqual(getAt(before, path), getAt(after, path)));
}

/**
 * The settings of a running program, which can be looked up again. Those that
 * are declared `live` take their new values; the others keep those of the start.
 */
export class Reloader<T extends object> {
  private current: Frozen<T>;

  /**
   * @param started settings that the program runs with
   * @param load looks them up as at the start, in the same places; may throw `BERTH_CONFIG_INVALID`
   */
  constructor(
    private readonly program: Program<T>,
    started: Frozen<T>,
    private readonly load: () => LoadResult<T>,
  ) {
    this.current = started;
  }

  /** Those in force. */
  get settings(): Frozen<T> {
    return this.current;
  }

  /**
   * Looks them up again; on a problem nothing changes. Never throws for wrong settings.
   *
   * @param apply takes those in force from now on, when any is different; what it throws refuses them all
   */
  reload(apply?: (settings: Frozen<T>, changed: readonly string[]) => void): Reload<T> {
    let loaded: LoadResult<T>;
    try {
      loaded = this.load();
      // The command line that asks for a text and an end has started nothing.
      if (loaded.kind === 'exit') return { kind: 'refused', problems: 'the command line asks for a text' };
      const { settings, warnings } = loaded;
      const { program, current } = this;
      const live = new Set(settingsOf(program).flatMap(({ path, live: can }) => (can === true ? [path] : [])));
      const different = changedPaths(program, current, settings);
      const changed = different.filter((path) => live.has(path));
      const needRestart = different.filter((path) => !live.has(path));
      const mixed = this.mixed(settings, changed, needRestart);
      if (changed.length > 0) apply?.(mixed, changed);
      this.current = mixed;
      return { kind: 'reloaded', settings: mixed, changed, needRestart, warnings };
    } catch (thrown) {
      return { kind: 'refused', problems: messageOf(thrown) };
    }
  }

  /**
   * @throws BerthError `BERTH_CONFIG_INVALID` when what can change does not fit beside what cannot
   */
  private mixed(loaded: Frozen<T>, changed: readonly string[], kept: readonly string[]): Frozen<T> {
    if (kept.length === 0) return changed.length === 0 ? this.current : loaded;
    if (changed.length === 0) return this.current;
    const mixed = copyOf(loaded) as T;
    for (const path of kept) setAt(mixed, path, getAt(this.current, path));
    const problems = new Problems();
    this.program.check(mixed, (path, what, ...others) => {
      if ([path, ...others].some((one) => problems.has(one))) return;
      problems.add(path, `${what} (a restart would take all of it: ${kept.join(', ')} cannot change before)`);
    });
    problems.throwIfAny();
    return frozen(mixed) as Frozen<T>;
  }
}

const copyOf = (value: object): unknown => JSON.parse(JSON.stringify(value));

function frozen<V>(value: V): V {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}
