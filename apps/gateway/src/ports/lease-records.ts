import { messageOf } from '@berth/errors';
import { isAgentId, isServiceName } from '@berth/exchange';
import { LimitedLog, type Log } from '@berth/observability';
import type { LeaseRecord, LeaseSource } from '@berth/port-allocator';
import { type Json, type RecordStore, WriteBehind } from '@berth/state';

const PREFIX = 'leases/';

/**
 * Leases as records of the state, `leases/<agent id>/<service>`. The allocator
 * goes by its own memory; what changes is written soon after, the last state of
 * each record alone.
 */
export class LeaseRecords implements LeaseSource {
  records: readonly LeaseRecord[] = [];
  private readonly writes: WriteBehind;

  /** @param retryMs until what could not be written is tried again */
  constructor(
    private readonly store: RecordStore,
    private readonly log: Log,
    retryMs?: number,
  ) {
    const limited = new LimitedLog(log);
    const failed = (thrown: unknown, leases: number): void => {
      limited.error(
        { leases, reason: messageOf(thrown) },
        'leases cannot be written: they hold until the gateway ends (state.file)',
      );
    };
    this.writes = new WriteBehind(store, failed, retryMs);
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
    this.writes.change(keyOf(record.agentId, record.service), valueOf(record));
  }

  gone(agentId: string, service: string): void {
    this.writes.change(keyOf(agentId, service), undefined);
  }

  async settled(): Promise<void> {
    await this.writes.settled();
  }

  /**
   * Resolves when all changes would survive a loss of power.
   *
   * @throws BerthError `BERTH_STATE_UNUSABLE` when they cannot be written; they are tried again
   */
  async sync(): Promise<void> {
    await this.writes.sync();
  }

  /** Writes what is left, and nothing more after that. */
  async close(): Promise<void> {
    try {
      await this.writes.close();
    } catch (thrown) {
      this.log.error({ leases: this.writes.waiting, reason: messageOf(thrown) }, 'leases could not be written');
    }
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
