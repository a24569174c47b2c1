import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Json, RecordStore } from './record-store.js';

/** Written in one turn of the event loop: at 50 µs each, nobody waits long. */
const PER_TURN = 32;
/** Until what could not be written is tried again, ms. */
const RETRY_MS = 5000;

/**
 * Records for which memory counts: what changes is written soon after, the last
 * state of each record alone, and tried again until it can be.
 */
export class WriteBehind {
  /** what is not written yet; undefined: it is gone */
  private readonly changes = new Map<string, { readonly value: Json | undefined }>();
  private writing: Promise<void> | undefined;
  private failure: unknown;
  private retry: NodeJS.Timeout | undefined;

  /**
   * @param onFailure told of each failed attempt, with how many records wait
   * @param retryMs until the next one
   */
  constructor(
    private readonly store: RecordStore,
    private readonly onFailure: (thrown: unknown, waiting: number) => void,
    private readonly retryMs = RETRY_MS,
  ) {}

  /** Records that are not written yet. */
  get waiting(): number {
    return this.changes.size;
  }

  /** @param value undefined: the record goes */
  change(key: string, value: Json | undefined): void {
    this.changes.set(key, { value });
    this.begin();
  }

  /** Resolves when what could be written is. */
  async settled(): Promise<void> {
    await this.writing;
  }

  /**
   * Resolves when all changes would survive a loss of power.
   *
   * @throws BerthError `BERTH_STATE_UNUSABLE` when they cannot be written; they are tried again
   */
  async sync(): Promise<void> {
    if (this.changes.size > 0) this.begin();
    await this.settled();
    if (this.changes.size > 0) throw this.failure;
    await this.store.sync();
  }

  /**
   * Writes what is left, and nothing more after that.
   *
   * @throws BerthError as {@link sync} does
   */
  async close(): Promise<void> {
    try {
      await this.sync();
    } finally {
      clearTimeout(this.retry);
    }
  }

  private begin(): void {
    clearTimeout(this.retry);
    this.writing ??= this.write();
  }

  private async write(): Promise<void> {
    try {
      // What changes twice in a turn is written once.
      await nextTurn();
      for (let count = 1; ; count += 1) {
        const [change] = this.changes;
        if (change === undefined) break;
        const [key, record] = change;
        if (record.value === undefined) await this.store.delete(key);
        else await this.store.put(key, record.value);
        // It may have changed again meanwhile.
        if (this.changes.get(key) === record) this.changes.delete(key);
        if (count % PER_TURN === 0) await nextTurn();
      }
    } catch (thrown) {
      this.failure = thrown;
      this.onFailure(thrown, this.changes.size);
      this.retry = setTimeout(() => {
        this.begin();
      }, this.retryMs);
      this.retry.unref();
    }
    // In this very turn: who changes something next must begin anew.
    this.writing = undefined;
  }
}
