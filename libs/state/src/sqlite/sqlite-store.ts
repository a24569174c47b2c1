import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { BerthError } from '@berth/errors';
import type { Json, LogEntry, RecordChange, RecordStore, StateRecord, WriteCondition } from '../record-store.js';
import { checkCount, checkName, checkPrefix, checkRevision, closedStore, textOf } from '../rules.js';
import { Watchers } from '../watchers.js';
import { type Place, stateError } from './database-errors.js';

/** Above every letter that a key may have. */
const BEYOND = '\x7f';

/** A store over a database that {@link takeDatabase} has made ours. */
export class SqliteStore implements RecordStore {
  private readonly watchers = new Watchers();
  private readonly statements = new Map<string, StatementSync>();
  private isFolderSynced = false;

  constructor(
    private readonly database: DatabaseSync,
    private readonly place: Place,
    private readonly now: () => number = Date.now,
    private readonly onFailure: (error: BerthError) => void = () => undefined,
  ) {}

  async get(key: string): Promise<StateRecord | undefined> {
    return await this.run(() => {
      checkName(key);
      const row = this.sql('SELECT key, value, revision FROM records WHERE key = ?').get(key);
      return row && recordOf(row);
    });
  }

  async list(prefix: string): Promise<StateRecord[]> {
    return await this.run(() => {
      checkPrefix(prefix);
      const select = this.sql('SELECT key, value, revision FROM records WHERE key >= ? AND key < ? ORDER BY key');
      return select.all(prefix, prefix + BEYOND).map(recordOf);
    });
  }

  async put(key: string, value: Json, condition: WriteCondition = {}): Promise<number> {
    return await this.run(() => {
      checkName(key);
      const text = textOf(key, value);
      const revision = this.change(key, condition, (next) => {
        this.sql(
          'INSERT INTO records VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision',
        ).run(key, text, next);
      });
      this.watchers.tell({ key, value: JSON.parse(text) as Json, revision });
      return revision;
    });
  }

  async delete(key: string, condition: WriteCondition = {}): Promise<boolean> {
    return await this.run(() => {
      checkName(key);
      if (this.revisionOf(key) === 0) {
        checkRevision(key, 0, condition);
        return false;
      }
      const revision = this.change(key, condition, () => {
        this.sql('DELETE FROM records WHERE key = ?').run(key);
      });
      this.watchers.tell({ key, value: undefined, revision });
      return true;
    });
  }

  watch(prefix: string, listener: (change: RecordChange) => void): () => void {
    checkPrefix(prefix);
    if (!this.database.isOpen) throw closedStore();
    return this.watchers.add(prefix, listener);
  }

  async append(log: string, value: Json): Promise<number> {
    return await this.run(() => {
      checkName(log);
      const insert = this.sql('INSERT INTO entries (log, at, value) VALUES (?, ?, ?)');
      return Number(insert.run(log, this.now(), textOf(log, value)).lastInsertRowid);
    });
  }

  async read(log: string, from: number, limit: number): Promise<LogEntry[]> {
    return await this.run(() => {
      checkName(log);
      checkCount('from', from, 0);
      checkCount('limit', limit, 1);
      const select = this.sql(
        'SELECT position, at, value FROM entries WHERE log = ? AND position >= ? ORDER BY position LIMIT ?',
      );
      return select.all(log, from, limit).map(({ position, at, value }) => ({
        offset: Number(position),
        at: Number(at),
        value: JSON.parse(String(value)) as Json,
      }));
    });
  }

  async trim(log: string, before: number): Promise<number> {
    return await this.run(() => {
      checkName(log);
      checkCount('before', before, 0);
      return Number(this.sql('DELETE FROM entries WHERE log = ? AND position < ?').run(log, before).changes);
    });
  }

  async sync(): Promise<void> {
    if (!this.database.isOpen) throw closedStore();
    try {
      // In threads of libuv, while the loop goes on. The log of changes carries no locks, so it may be closed again.
      await syncFile(`${this.place.file}-wal`);
      if (!this.isFolderSynced) await syncFile(dirname(this.place.file));
      this.isFolderSynced = true;
    } catch (thrown) {
      throw this.failure(thrown);
    }
  }

  async close(): Promise<void> {
    if (!this.database.isOpen) return;
    await this.run(() => {
      this.watchers.clear();
      this.statements.clear();
      // Takes what the log of changes holds into the file, and waits for the disk.
      this.database.close();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Does it as one, with the next revision. @returns that revision */
  private change(key: string, condition: WriteCondition, work: (next: number) => void): number {
    this.database.exec('BEGIN');
    try {
      checkRevision(key, this.revisionOf(key), condition);
      const counter = this.sql("UPDATE counters SET value = value + 1 WHERE name = 'revision' RETURNING value").get();
      const next = Number(counter?.['value']);
      work(next);
      this.database.exec('COMMIT');
      return next;
    } catch (thrown) {
      // A full disk may have ended the transaction by itself.
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw thrown;
    }
  }

  private revisionOf(key: string): number {
    return Number(this.sql('SELECT revision FROM records WHERE key = ?').get(key)?.['revision'] ?? 0);
  }

  private sql(text: string): StatementSync {
    const statement = this.statements.get(text) ?? this.database.prepare(text);
    this.statements.set(text, statement);
    return statement;
  }

  private run<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => {
      if (!this.database.isOpen) throw closedStore();
      try {
        resolve(work());
      } catch (thrown) {
        throw this.failure(thrown);
      }
    });
  }

  /** What went wrong. A record that has changed, or a key that none can have, is no fault of the file's. */
  private failure(thrown: unknown): BerthError {
    const error = stateError(this.place, thrown);
    if (error !== thrown) this.onFailure(error);
    return error;
  }
}

function recordOf(row: Record<string, unknown>): StateRecord {
  const { key, value, revision } = row;
  return { key: String(key), value: JSON.parse(String(value)) as Json, revision: Number(revision) };
}

async function syncFile(name: string): Promise<void> {
  try {
    await using file = await open(name, 'r');
    await file.sync();
  } catch (thrown) {
    // Nothing has been written since it was last taken into the file.
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
  }
}
