import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ValidationError, validateSync } from 'class-validator';
import type { Problems, RawValue } from './problems.js';
import { type Frozen, type Program, type SettingInfo, settingsOf } from './program.js';
import { readText } from './read-text.js';
import { withoutUserInfo } from './user-info.js';

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
    cwd: string,
    private readonly problems: Problems,
  ) {
    this.root = program.defaults();
    this.settings = settingsOf(program);
    this.given = new Map(values.map((raw) => [raw.path, raw]));
    for (const setting of this.settings) {
      const raw = this.given.get(setting.path);
      if (raw !== undefined) this.assign(setting, raw, cwd);
    }
  }

  isGiven(path: string): boolean {
    return this.given.has(path);
  }

  /** Adds a problem with a setting, with its value and where that came from. */
  complain(path: string, what: string): void {
    const setting = this.settings.find((one) => one.path === path);
    const raw = this.given.get(path);
    const showsValue = raw !== undefined && setting !== undefined && setting.secret !== true;
    this.problems.add(path, what, {
      ...(showsValue && { value: typeof raw.value === 'string' ? withoutUserInfo(raw.value) : raw.value }),
      ...(raw !== undefined && { source: raw.source }),
    });
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
   * @throws BerthError `BERTH_CONFIG_INVALID` with everything that is wrong
   */
  finish(): Frozen<T> {
    const { program, root, problems } = this;
    program.prepare(this);
    for (const { path, required } of this.settings)
      if (required !== undefined && getAt(root, path) === '' && !problems.has(path)) this.complain(path, required);
    this.collect(validateSync(root, { stopAtFirstError: true }), '');
    // A rule between settings is silent where one of them is already known to be wrong.
    program.check(root, (path, what, ...others) => {
      if (![path, ...others].some((one) => problems.has(one))) this.complain(path, what);
    });
    problems.throwIfAny();
    return frozenCopy(root) as Frozen<T>;
  }

  private collect(errors: readonly ValidationError[], parent: string): void {
    for (const { property, constraints, children } of errors) {
      const path = parent + property;
      const [what] = Object.values(constraints ?? {});
      if (what !== undefined && !this.problems.has(path)) this.complain(path, what);
      this.collect(children ?? [], `${path}.`);
    }
  }

  private assign(setting: SettingInfo, raw: RawValue, cwd: string): void {
    const { path, kind, secret } = setting;
    if (typeof raw.value !== 'string') {
      setAt(this.root, path, raw.value);
      return;
    }
    if (secret && raw.value === '' && /^(env|flag) /.test(raw.source)) {
      this.complain(path, 'is set but empty; leave it out to go without');
      return;
    }
    const reading = readText(setting, raw.value);
    if ('problem' in reading) this.complain(path, reading.problem);
    else setAt(this.root, path, kind === 'file' && raw.value !== '' ? resolve(cwd, raw.value) : reading.value);
  }
}

type Node = Record<string, unknown>;

function parentOf(root: object, path: string): [parent: Node, key: string] {
  const keys = path.split('.');
  const key = keys.pop() ?? '';
  return [keys.reduce((node, name) => node[name] as Node, root as Node), key];
}

/** The value at a path such as `http.port`, whose groups all exist. */
export function getAt(root: object, path: string): unknown {
  const [parent, key] = parentOf(root, path);
  return parent[key];
}

/** Sets the value at a path whose groups all exist. */
export function setAt(root: object, path: string, value: unknown): void {
  const [parent, key] = parentOf(root, path);
  parent[key] = value;
}

/** Plain objects and lists, frozen through and through. */
function frozenCopy(node: unknown): unknown {
  if (Array.isArray(node)) return Object.freeze(node.map(frozenCopy));
  if (typeof node !== 'object' || node === null) return node;
  return Object.freeze(Object.fromEntries(Object.entries(node).map(([key, value]) => [key, frozenCopy(value)])));
}
