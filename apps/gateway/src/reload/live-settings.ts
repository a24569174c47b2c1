import { changedPaths, type Program, settingsOf } from '@berth/config';

/** Told after the settings have their new values, with the paths of those that are different. */
export type SettingsListener = (changed: ReadonlySet<string>) => void;

type Tree = Record<string, unknown>;

/**
 * The settings of a running gateway: one object for all rooms, in which those
 * that are declared `live` get new values while it runs. Who reads them when
 * they are needed sees the new ones; who has made something of them asks to be
 * told ({@link onChange}).
 */
export class LiveSettings {
  /** nobody but this class changes it */
  readonly root: object;
  private readonly listeners = new Set<SettingsListener>();
  private readonly paths: readonly string[];

  /** @param settings to begin with; they are copied */
  constructor(
    private readonly program: Program,
    settings: object,
  ) {
    // Not frozen, and not an instance of the classes that know their rules.
    this.root = JSON.parse(JSON.stringify(settings)) as object;
    this.paths = settingsOf(program).flatMap(({ path, live }) => (live === true ? [path] : []));
  }

  /**
   * Takes up the values of what can change. A listener that throws does not keep the others from being told.
   *
   * @throws AggregateError what listeners threw, when all have been told
   */
  change(settings: object): void {
    const changed = new Set(
      changedPaths(this.program, this.root, settings).filter((path) => this.paths.includes(path)),
    );
    if (changed.size === 0) return;
    for (const path of changed) copyAt(path, settings as Tree, this.root as Tree);
    const thrown: unknown[] = [];
    for (const listener of this.listeners) {
      try {
        listener(changed);
      } catch (error) {
        thrown.push(error);
      }
    }
    if (thrown.length > 0) throw new AggregateError(thrown, 'changed settings were not taken up everywhere');
  }

  /** @returns ends it */
  onChange(listener: SettingsListener): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }
}

/** Groups stay the objects that rooms were given; values are replaced. */
function copyAt(path: string, from: Tree, to: Tree): void {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  for (const key of keys) {
    from = from[key] as Tree;
    to = to[key] as Tree;
  }
  to[last] = from[last];
}
