import type { RecordChange } from './record-store.js';

type Listener = (change: RecordChange) => void;

/** Who is told of changes. */
export class Watchers {
  private readonly watchers = new Set<{ prefix: string; listener: Listener }>();

  /** @returns ends it */
  add(prefix: string, listener: Listener): () => void {
    const watcher = { prefix, listener };
    this.watchers.add(watcher);
    return () => void this.watchers.delete(watcher);
  }

  /** Tells those whose prefix it is, once whoever writes has gone on. */
  tell(change: RecordChange): void {
    for (const watcher of this.watchers) {
      if (!change.key.startsWith(watcher.prefix)) continue;
      // What one throws is its own fault: it is seen, and neither the writer nor the next watcher suffers.
      queueMicrotask(() => {
        if (this.watchers.has(watcher)) watcher.listener(structuredClone(change));
      });
    }
  }

  clear(): void {
    this.watchers.clear();
  }
}
