import { resolve } from 'node:path';
import { type ValidationError, validateSync } from 'class-validator';
import type { Problems, RawValue } from './problems.js';
import { readText } from './read-text.js';
import type { SettingInfo } from './setting-list.js';
import { getAt, setAt } from './tree.js';
import { withoutUserInfo } from './user-info.js';

/**
 * A settings object under construction: defaults, with the values of all
 * layers set over them and every problem collected.
 */
export class Draft<T extends object> {
  private readonly given: ReadonlyMap<string, RawValue>;

  /**
   * @param root the settings class, filled with its defaults
   * @param values of all layers, the strongest last
   * @param cwd base of relative file paths
   */
  constructor(
    readonly root: T,
    private readonly settings: readonly SettingInfo[],
    values: readonly RawValue[],
    cwd: string,
    readonly problems: Problems,
  ) {
    this.given = new Map(values.map((raw) => [raw.path, raw]));
    for (const setting of settings) {
      const raw = this.given.get(setting.path);
      if (raw) this.assign(setting, raw, cwd);
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

  /** Judges each setting by the rules of its class. */
  validate(): void {
    for (const { path, required } of this.settings) {
      if (required !== undefined && getAt(this.root, path) === '' && !this.problems.has(path)) {
        this.complain(path, required);
      }
    }
    this.collect(validateSync(this.root, { stopAtFirstError: true }), '');
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
    if ('problem' in reading) {
      this.complain(path, reading.problem);
      return;
    }
    setAt(this.root, path, kind === 'file' && raw.value !== '' ? resolve(cwd, raw.value) : reading.value);
  }
}
