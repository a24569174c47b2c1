import type { Json, LogEntry, RecordChange, RecordStore, StateRecord, WriteCondition } from './record-store.js';
import { checkCount, checkName, checkPrefix, checkRevision, closedStore, textOf } from './rules.js';
import { Watchers } from './watchers.js';

/** A store that ends with the process. */
export class MemoryStore implements RecordStore {
  private readonly records = new Map<string, { text: string; revision: number }>();
  private readonly logs = new Map<string, { offset: number; at: number; text: string }[]>();
  private readonly watchers = new Watchers();
  private revision = 0;
  private offset = 0;
  private closed = false;

  /** @param now ms since the epoch */
  constructor(private readonly now: () => number = Date.now) {}

  async get(key: string): Promise<StateRecord | undefined> {
    return await this.run(() => {
      checkName(key);
      const found = this.records.get(key);
      return found && { key, value: parsed(found.text), revision: found.revision };
    });
  }

  async list(prefix: string): Promise<StateRecord[]> {
    return await this.run(() => {
      checkPrefix(prefix);
      return [...this.records]
        .filter(([key]) => key.startsWith(prefix))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, { text, revision }]) => ({ key, value: parsed(text), revision }));
    });
  }

  async put(key: string, value: Json, condition: WriteCondition = {}): Promise<number> {
    return await this.run(() => {
      checkName(key);
      const text = textOf(key, value);
      checkRevision(key, this.records.get(key)?.revision ?? 0, condition);
      this.revision += 1;
      this.records.set(key, { text, revision: this.revision });
      this.tell({ key, value: parsed(text), revision: this.revision });
      return this.revision;
    });
  }

  async delete(key: string, condition: WriteCondition = {}): Promise<boolean> {
    return await this.run(() => {
      checkName(key);
      checkRevision(key, this.records.get(key)?.revision ?? 0, condition);
      if (!this.records.delete(key)) return false;
      this.revision += 1;
      this.tell({ key, value: undefined, revision: this.revision });
      return true;
    });
  }

  watch(prefix: string, listener: (change: RecordChange) => void): () => void {
    checkPrefix(prefix);
    if (this.closed) throw closedStore();
    return this.watchers.add(prefix, listener);
  }

  async append(log: string, value: Json): Promise<number> {
    return await this.run(() => {
      checkName(log);
      const text = textOf(log, value);
      const entries = this.logs.get(log) ?? [];
      this.logs.set(log, entries);
      this.offset += 1;
      entries.push({ offset: this.offset, at: this.now(), text });
      return this.offset;
    });
  }

  async read(log: string, from: number, limit: number): Promise<LogEntry[]> {
    return await this.run(() => {
      checkName(log);
      checkCount('from', from, 0);
      checkCount('limit', limit, 1);
      const entries = (this.logs.get(log) ?? []).filter(({ offset }) => offset >= from).slice(0, limit);
      return entries.map(({ text, ...entry }) => ({ ...entry, value: parsed(text) }));
    });
  }

  async trim(log: string, before: number): Promise<number> {
    return await this.run(() => {
      checkName(log);
      checkCount('before', before, 0);
      const entries = this.logs.get(log) ?? [];
      const kept = entries.filter(({ offset }) => offset >= before);
      this.logs.set(log, kept);
      return entries.length - kept.length;
    });
  }

  async sync(): Promise<void> {
    await this.run(() => undefined);
  }

  close(): Promise<void> {
    this.closed = true;
    this.watchers.clear();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private tell(change: RecordChange): void {
    this.watchers.tell(change);
  }

  private run<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => {
      if (this.closed) throw closedStore();
      resolve(work());
    });
  }
}

function parsed(text: string): Json {
  return JSON.parse(text) as Json;
}
