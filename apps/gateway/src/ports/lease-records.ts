import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf } from '@berth/errors';
import { isAgentId, isServiceName } from '@berth/exchange';
import { LimitedLog, type Log } from '@berth/observability';
import type { LeaseRecord, LeaseSource } from '@berth/port-allocator';
import type { Json, RecordStore } from '@berth/state';

const PREFIX = 'leases/';
/** Written in one turn of the event loop: at 50 µs each, nobody waits long. */
const PER_TURN = 32;
/** Until what could not be written is tried again, ms. */
const RETRY_MS = 5000;

/**
 * Leases as records of the state, `leases/<agent id>/<service>`. The allocator
 * goes by its own memory; what changes is written soon after, the last state of
 * each record alone.
 */
export class LeaseRecords implements LeaseSource {
  records: readonly LeaseRecord[] = [];
  /** what is not written yet; undefined: it is gone */
  private readonly changes = new Map<string, LeaseRecord | undefined>();
  private writing: Promise<void> | undefined;
  private failure: unknown;
  private retry: NodeJS.Timeout | undefined;
  private readonly limited: LimitedLog;

  constructor(
    private readonly store: RecordStore,
    private readonly log: Log,
    private readonly retryMs = RETRY_MS,
  ) {
    this.limited = new LimitedLog(log);
  }

  /** @throws BerthError `BERTH_STATE_UNUSABLE` */
  async load(): Promise<this> {
    const records: LeaseRecord[] = [];
    for (const { key, value } of await this.store.list(PREFIX)) {
      const record = recordOf(key, value);
      if (record !== undefined) records.push(record);
      else this.log.warn({ key }, 'a lease in the state cannot be understood and is passed over (state.file)');
    }
    this.records = records;
    return this;
  }

  changed(record: LeaseRecord): void {
    this.change(keyOf(record.agentId, record.service), record);
  }

  gone(agentId: string, service: string): void {
    this.change(keyOf(agentId, service), undefined);
  }

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

  /** Writes what is left, and nothing more after that. */
  async close(): Promise<void> {
    try {
      await this.sync();
    } catch (thrown) {
      this.log.error({ leases: this.changes.size, reason: messageOf(thrown) }, 'leases could not be written');
    }
    clearTimeout(this.retry);
  }

  private change(key: string, record: LeaseRecord | undefined): void {
    this.changes.set(key, record);
    this.begin();
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
        if (record === undefined) await this.store.delete(key);
        else await this.store.put(key, valueOf(record));
        // It may have changed again meanwhile.
        if (this.changes.get(key) === record) this.changes.delete(key);
        if (count % PER_TURN === 0) await nextTurn();
      }
    } catch (thrown) {
      this.failed(thrown);
    }
    // In this very turn: who changes something next must begin anew.
    this.writing = undefined;
  }

  private failed(thrown: unknown): void {
    this.failure = thrown;
    this.limited.error(
      { leases: this.changes.size, reason: messageOf(thrown) },
      'leases cannot be written: they hold until the gateway ends (state.file)',
    );
    this.retry = setTimeout(() => {
      this.begin();
    }, this.retryMs);
    this.retry.unref();
  }
}

function keyOf(agentId: string, service: string): string {
  return `${PREFIX}${agentId}/${service}`;
}

function valueOf({ port, pinned, usedAt }: LeaseRecord): Json {
  return { port, pinned, usedAt };
}

function recordOf(key: string, value: Json): LeaseRecord | undefined {
  const [agentId = '', service = '', ...more] = key.slice(PREFIX.length).split('/');
  const { port, pinned, usedAt } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const isWhole = (it: unknown, least: number, most: number): it is number =>
    Number.isInteger(it) && Number(it) >= least && Number(it) <= most;
  if (more.length > 0 || !isAgentId(agentId) || !isServiceName(service)) return undefined;
  if (!isWhole(port, 1, 65_535) || typeof pinned !== 'boolean') return undefined;
  if (usedAt !== null && !isWhole(usedAt, 0, Number.MAX_SAFE_INTEGER)) return undefined;
  return { agentId, service, port, pinned, usedAt };
}
