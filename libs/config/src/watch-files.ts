import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

export interface WatchOptions {
  /** quiet time after a change before it is told, ms: editors and deployments write in several steps */
  readonly debounceMs?: number;
  /** how often the files are looked at besides, ms: what the system tells nothing of, as on network drives */
  readonly pollMs?: number;
}

/** Files under watch, until it is closed. */
export interface FileWatch {
  close(): void;
}

/**
 * Tells of changes of files, however they come about: written in place, renamed
 * over, deleted and written anew, or through a link that is turned over, as
 * Kubernetes does. For that, the folders are watched, and a change is what makes
 * a file look different (size, times, inode) from the last time. Neither the
 * files nor their folders need to exist. Keeps no process alive.
 *
 * @param paths absolute
 * @param changed told with those that look different; what it throws is the caller's loss
 */
export function watchFiles(
  paths: readonly string[],
  changed: (paths: readonly string[]) => void,
  { debounceMs = 200, pollMs = 5000 }: WatchOptions = {},
): FileWatch {
  const folders = new Map<string, { watcher: FSWatcher; identity: string }>();
  const told = new Map(paths.map((path) => [path, lookOf(path)]));
  let timer: NodeJS.Timeout | undefined;
  let last = '';

  const lookOfAll = (): string => paths.map(lookOf).join();
  /** What goes on beside the files, a log that grows for instance, must not put them off. */
  const soon = (): void => {
    if (timer === undefined) arm();
  };
  const arm = (): void => {
    last = lookOfAll();
    timer = setTimeout(settle, debounceMs).unref();
  };
  const settle = (): void => {
    timer = undefined;
    if (last !== lookOfAll()) {
      arm();
      return;
    }
    const different = paths.filter((path) => told.get(path) !== lookOf(path));
    for (const path of different) told.set(path, lookOf(path));
    if (different.length > 0) changed(different);
  };
  const watchFolder = (folder: string): void => {
    const identity = identityOf(folder);
    const before = folders.get(folder);
    if (before?.identity === identity) return;
    before?.watcher.close();
    folders.delete(folder);
    if (identity === '') return;
    try {
      const watcher = watch(folder, { persistent: false }, soon);
      watcher.on('error', () => {
        watcher.close();
        folders.delete(folder);
      });
      folders.set(folder, { watcher, identity });
    } catch {
      // No watch is left on this system: the poll goes on, and tries again.
    }
  };
  const watchAll = (): void => {
    for (const path of paths) watchFolder(dirname(path));
  };
  watchAll();
  const poll = setInterval(() => {
    watchAll();
    soon();
  }, pollMs).unref();

  return {
    close: () => {
      clearTimeout(timer);
      clearInterval(poll);
      for (const { watcher } of folders.values()) watcher.close();
      folders.clear();
    },
  };
}

/** Tells a folder from another one at the same path; empty: there is none. */
function identityOf(folder: string): string {
  try {
    const { dev, ino, birthtimeNs } = statSync(folder, { bigint: true });
    return [dev, ino, birthtimeNs].join(' ');
  } catch {
    return '';
  }
}

/** What tells two states of a file apart without reading it; empty: there is none. */
function lookOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return '';
  }
}
