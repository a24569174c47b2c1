import { messageOf } from '@berth/errors';
import { isAgentId } from '@berth/exchange';
import type { Log } from '@berth/observability';
import type { Json, RecordStore } from '@berth/state';
import type { AgentPart } from './agent-schema.js';

const PREFIX = 'policy-agents/';

/** What an operator has said of an agent while the gateway ran. */
export interface AgentRecord {
  /** it is all that counts; else it is a change of what the settings say */
  readonly whole: boolean;
  readonly part: AgentPart;
}

/** These as records of the state: `policy-agents/<name>`. */
export class AgentRecords {
  private readonly records = new Map<string, AgentRecord>();

  constructor(
    private readonly store: RecordStore,
    private readonly log: Log,
  ) {}

  /** @throws BerthError `BERTH_STATE_UNUSABLE` */
  async load(): Promise<this> {
    for (const { key, value } of await this.store.list(PREFIX)) {
      try {
        const name = key.slice(PREFIX.length);
        if (!isAgentId(name)) throw new Error('its key names no agent');
        this.records.set(name, recordOf(value));
      } catch (thrown) {
        const fields = { key, reason: messageOf(thrown) };
        this.log.error(fields, 'a policy agent in the state cannot be understood (state.file)');
      }
    }
    return this;
  }

  get names(): string[] {
    return [...this.records.keys()];
  }

  get(name: string): AgentRecord | undefined {
    return this.records.get(name);
  }

  /**
   * Over restarts when this resolves.
   *
   * @param record undefined: it goes
   * @throws BerthError `BERTH_STATE_UNUSABLE`: nothing has changed
   */
  async set(name: string, record: AgentRecord | undefined): Promise<void> {
    const key = PREFIX + name;
    if (record === undefined) await this.store.delete(key);
    else await this.store.put(key, record as unknown as Json);
    await this.store.sync();
    if (record === undefined) this.records.delete(name);
    else this.records.set(name, record);
  }
}

function recordOf(value: Json): AgentRecord {
  const isTree = (what: unknown): what is Record<string, Json> =>
    typeof what === 'object' && what !== null && !Array.isArray(what);
  if (!isTree(value) || typeof value['whole'] !== 'boolean' || !isTree(value['part']))
    throw new Error('it has another form');
  return { whole: value['whole'], part: value['part'] };
}
