import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ValidationError } from 'class-validator';
import { Validator } from './class-validator.js';
import type { Problems, RawValue } from './problems.js';
import { type Frozen, type Program, type Report, type SettingInfo, settingsOf } from './program.js';
import { readText } from './read-text.js';

/**
 * A program's settings under construction: defaults, with the values of all
 * layers set over them and every problem collected.
 */
export class Draft<T extends object> {
  readonly root: T;
  private readonly settings: readonly SettingInfo[];
  private readonly given: ReadonlyMap<string, RawValue>;

  /**
   * @param values of all layers, the strongest last
   * @param cwd base of relative file paths
   */
  constructor(
    private readonly program: Program<T>,
    values: readonly RawValue[],
    private readonly cwd: string,
    private readonly problems: Problems,
  ) {
    this.root = program.defaults();
    this.settings = settingsOf(program);
    this.given = new Map(values.map((raw) => [raw.path, raw]));
    for (const setting of this.settings) {
      const raw = this.given.get(setting.path);
      if (raw !== undefined) this.assign(setting, raw);
    }
  }

  isGiven(path: string): boolean {
    return this.given.has(path);
  }

  /** Adds a problem with a setting, with its value and where that came from. */
  complain(path: string, what: string): void {
    const { value, source } = this.given.get(path) ?? {};
    const isShown = this.settings.some((one) => one.path === path && one.secret !== true);
    this.problems.add(path, what, { value: isShown ? value : undefined, source });
  }

  /** Takes a secret from the file that is named for it; both at once are a problem. */
  readSecret(path: string, filePath: string): void {
    const file = getAt(this.root, filePath);
    // Anything but text is left for the rules of the class to report.
    if (typeof file !== 'string' || file === '') return;
    if (getAt(this.root, path) !== '') {
      this.complain(path, `is given beside ${filePath}; give one of them`);
      return;
    }
    try {
      const secret = readFileSync(file, 'utf8').trim();
      if (secret === '') this.complain(filePath, 'names a file that is empty');
      setAt(this.root, path, secret);
    } catch (error) {
      this.complain(filePath, `names a file that cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}`);
    }
  }

  /**
   * Judges all settings and freezes them.
   *
   * @param inspects whether the files that they name are looked at as well
   * @throws BerthError `BERTH_CONFIG_INVALID` with everything that is wrong
   */
  finish(inspects = false): Frozen<T> {
    const { program, root, problems } = this;
    program.prepare(this);
    // Of a file that cannot be read nobody knows what it has.
    const readable = !problems.has('config');
    for (const { path, required } of readable ? this.settings : [])
      if (required !== undefined && getAt(root, path) === '' && !problems.has(path)) this.complain(path, required);
    this.collect(new Validator().validateSync(root, { stopAtFirstError: true }), '');
    // A rule between settings is silent where one of them is already known to be wrong.
    const report: Report = (path, what, ...others) => {
      if (![path, ...others].some((one) => problems.has(one))) this.complain(path, what);
    };
    program.check(root, report);
    if (inspects) program.inspect?.(root, report);
    problems.throwIfAny();
    // Plain objects and lists, frozen from the leaves up.
    return JSON.parse(JSON.stringify(root), (_, value: unknown) => Object.freeze(value)) as Frozen<T>;
  }

  private collect(errors: readonly ValidationError[], parent: string): void {
    for (const { property, constraints, children } of errors) {
      const path = parent + property;
      const [what] = Object.values(constraints ?? {});
      if (what !== undefined && !this.problems.has(path)) this.complain(path, what);
      this.collect(children ?? [], `${path}.`);
    }
  }

  private assign(setting: SettingInfo, { value, source }: RawValue): void {
    const { path, kind, secret } = setting;
    const set = (read: unknown): void => {
      setAt(
        this.root,
        path,
        kind === 'file' && typeof read === 'string' && read !== '' ? resolve(this.cwd, read) : read,
      );
    };
    if (typeof value !== 'string') set(value);
    else if (secret && value === '' && /^(env|flag) /.test(source))
      this.complain(path, 'is set but empty; leave it out to go without');
    else {
      const reading = readText(setting, value);
      if ('problem' in reading) this.complain(path, reading.problem);
      else set(reading.value);
    }
  }
}

type Node = Record<string, unknown>;

/** The value at a path such as `http.port`, whose groups all exist. */
export function getAt(root: object, path: string): unknown {
  return path.split('.').reduce<unknown>((node, key) => (node as Node)[key], root);
}

/** Sets the value at a path whose groups all exist. */
export function setAt(root: object, path: string, value: unknown): void {
  const cut = path.lastIndexOf('.');
  const parent = cut < 0 ? root : getAt(root, path.slice(0, cut));
  (parent as Node)[path.slice(cut + 1)] = value;
}
