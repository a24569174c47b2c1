import { hash } from 'node:crypto';
import { BerthError, messageOf } from '@berth/errors';
import type { Draft } from './draft.js';
import { type DeepPartial, sourceOf } from './load.js';
import { type Frozen, type SettingInfo, settingsOf } from './program.js';

/** One setting, as somebody has set it. */
export interface PartEntry {
  readonly path: string;
  readonly value: unknown;
}

/** What is known of parts besides their class. */
export interface PartOptions<T extends object> {
  /** for messages that name no setting */
  readonly name: string;
  /** the settings with their defaults */
  readonly defaults: () => T;
  /** what is wrong with settings that are right one by one, beginning with the path of one */
  readonly together?: (whole: Frozen<T>) => string | undefined;
  /** as of a program */
  readonly prepare?: (draft: Draft<T>) => void;
}

/**
 * Groups of settings that stand under names of the operator's choice, in a file,
 * a request or the state: each is a part, of which whatever is left out is said
 * elsewhere or is the default.
 */
export class PartSchema<T extends object> {
  /** every setting with its path, description, range and default */
  readonly rules: readonly SettingInfo[];
  /** nobody has said anything */
  readonly none: Frozen<T>;
  private readonly source: ReturnType<typeof sourceOf<T>>;

  /**
   * Right parts by the hash of their text, for as long as somebody uses them: secrets in a part that was replaced are
   * not kept here. A file is judged at start, by whoever takes it up, and again whenever it changes, while most of its
   * parts stay; each costs half a millisecond, in which the program does nothing else.
   */
  private readonly judged = new Map<string, WeakRef<readonly PartEntry[]>>();
  private readonly gone = new FinalizationRegistry<string>((key) => {
    // The same part may have been judged anew meanwhile.
    if (this.judged.get(key)?.deref() === undefined) this.judged.delete(key);
  });

  constructor(private readonly options: PartOptions<T>) {
    const program = {
      ...{ name: options.name, version: '', summary: '', title: '', envPrefix: '', fileName: '', fileEnv: '' },
      defaults: options.defaults,
      prepare: options.prepare ?? (() => undefined),
      check: () => undefined,
    };
    this.rules = settingsOf(program);
    this.source = sourceOf<T>(program);
    this.none = this.source.withDefaults();
  }

  /**
   * Judges a part and takes it apart.
   *
   * @throws BerthError `BERTH_CONFIG_INVALID` with a line for everything that is wrong
   */
  entriesOf(part: unknown): readonly PartEntry[] {
    const key = hash('sha256', JSON.stringify(part, exactNumber));
    const known = this.judged.get(key)?.deref();
    if (known !== undefined) return known;
    const whole = this.complete(part);
    const entries = this.rules.flatMap(({ path }) => {
      const given = valueAt(part, path);
      // As it was read: in a file a number may stand in quotes.
      return given === undefined || given === null ? [] : [{ path, value: valueAt(whole, path) }];
    });
    this.judged.set(key, new WeakRef(entries));
    this.gone.register(entries, key);
    return entries;
  }

  /** What is wrong with a part, as one line; undefined when nothing is. */
  problemOf(part: unknown): string | undefined {
    try {
      this.entriesOf(part);
      return undefined;
    } catch (thrown) {
      if (BerthError.from(thrown).code !== 'BERTH_CONFIG_INVALID') throw thrown;
      return messageOf(thrown).replaceAll('\n', '; ');
    }
  }

  /** All settings, of entries that have been judged one part at a time; not judged again. */
  wholeOf(entries: Iterable<PartEntry>): Frozen<T> {
    const root = structuredClone(this.none) as unknown as Record<string, unknown>;
    for (const { path, value } of entries) put(root, path, value);
    return root as unknown as Frozen<T>;
  }

  /**
   * All settings of a part. Where it came from is said by whoever asks.
   *
   * @throws BerthError `BERTH_CONFIG_INVALID` with a line for everything that is wrong
   */
  complete(part: unknown): Frozen<T> {
    let whole: Frozen<T>;
    try {
      whole = this.source.withDefaults(part as DeepPartial<Frozen<T>>);
    } catch (thrown) {
      const { code, message } = BerthError.from(thrown);
      const said = message.replaceAll(/(?:, | \()from options\)/g, (found) => (found.startsWith(',') ? ')' : ''));
      throw new BerthError(code, said, { cause: thrown });
    }
    const problem = this.options.together?.(whole);
    if (problem !== undefined) throw new BerthError('BERTH_CONFIG_INVALID', problem);
    return whole;
  }
}

/** JSON has no NaN and no infinity, and writes null for them. */
function exactNumber(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

/** The value at the path of a setting; undefined where there is none. */
export function valueAt(tree: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], tree);
}

/** Entries as a tree. */
export function partOf(entries: Iterable<PartEntry>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const { path, value } of entries) put(root, path, value);
  return root;
}

function put(root: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let node = root;
  for (const key of keys) node = (node[key] ??= {}) as Record<string, unknown>;
  node[last] = value;
}

type Tree = Record<string, unknown>;

/** A tree with a change in it: what the change gives as null is taken out (RFC 7396). */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return patch;
  const out = new Map(Object.entries(isTree(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) out.delete(key);
    else out.set(key, mergePatch(out.get(key), value));
  }
  return Object.fromEntries(out);
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
