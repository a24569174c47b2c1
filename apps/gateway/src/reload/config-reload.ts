import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { type FileWatch, type Reloaded, type Reloader, watchFiles, type WatchOptions } from '@berth/config';
import { BerthError, messageOf } from '@berth/errors';
import type { Log } from '@berth/observability';
import type { LiveSettings } from './live-settings.js';

/** Where a gateway's settings are looked up again. */
export interface SettingsLookup<T extends object> {
  readonly reloader: Reloader<T>;
  /** paths whose changes ask for it */
  readonly files: readonly string[];
  readonly watch?: WatchOptions;
}

/** What came of it, as metrics show it. */
export const RELOAD_RESULTS = ['changed', 'unchanged', 'refused'] as const;

/** Changes the settings of the running gateway: when their file changes, on SIGHUP, and when an operator asks. */
export class ConfigReload<T extends object = object> implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** how often each result came since the start */
  readonly counts: Record<(typeof RELOAD_RESULTS)[number], number> = { changed: 0, unchanged: 0, refused: 0 };
  /** when settings were last looked up and found to be fine, the start included, seconds since the epoch */
  lastGoodSeconds = Date.now() / 1000;
  private watching: FileWatch | undefined;
  private ended = false;

  /**
   * @param lookup undefined where the settings were given in code
   * @param effective what the rooms get to see of settings
   */
  constructor(
    private readonly lookup: SettingsLookup<T> | undefined,
    private readonly live: LiveSettings,
    private readonly effective: (settings: T) => object,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    if (this.lookup === undefined) return;
    this.watching = watchFiles(this.lookup.files, () => this.reloadAndTell(), this.lookup.watch);
  }

  beforeApplicationShutdown(): void {
    this.ended = true;
    this.watching?.close();
  }

  /**
   * Looks the settings up again. What can change has changed when this returns, and what waits for a restart is named.
   *
   * @throws BerthError `BERTH_RELOAD_REFUSED` with a line per problem, `BERTH_DRAINING` while the gateway ends: nothing
   *   has changed
   */
  reload(): Reloaded<T> {
    if (this.ended) throw new BerthError('BERTH_DRAINING', 'the gateway is shutting down');
    if (this.lookup === undefined) return this.refuse('this gateway was given its settings in code: there is no file');
    const result = this.lookup.reloader.reload();
    if (result.kind === 'refused') return this.refuse(result.problems);
    const { settings, changed, needRestart, warnings } = result;
    for (const text of warnings) this.log.warn({ text }, 'settings were looked up with a warning');
    if (changed.length > 0) this.takeUp(settings as T);
    this.counts[changed.length > 0 ? 'changed' : 'unchanged'] += 1;
    this.lastGoodSeconds = Date.now() / 1000;
    if (changed.length > 0) this.log.info({ settings: changed }, 'settings have changed');
    else if (needRestart.length === 0) this.log.info({}, 'settings were looked up again: nothing is different');
    if (needRestart.length > 0)
      this.log.warn({ settings: needRestart }, `new values wait for a restart: ${needRestart.join(', ')}`);
    return result;
  }

  /** The same for those who wait for no answer: the log has told them. */
  reloadAndTell(): void {
    if (this.ended) return;
    try {
      this.reload();
    } catch (thrown) {
      if (BerthError.from(thrown).code !== 'BERTH_RELOAD_REFUSED')
        this.log.error({ reason: messageOf(thrown) }, 'settings could not be looked up again');
    }
  }

  private takeUp(settings: T): void {
    try {
      this.live.change(this.effective(settings));
    } catch (thrown) {
      const reasons = thrown instanceof AggregateError ? thrown.errors.map(messageOf) : [messageOf(thrown)];
      this.log.error({ reasons }, 'changed settings were not taken up everywhere');
    }
  }

  private refuse(problems: string): never {
    this.counts.refused += 1;
    this.log.error({ problems: problems.split('\n') }, `settings stay as they were: ${problems}`);
    throw new BerthError('BERTH_RELOAD_REFUSED', problems);
  }
}
