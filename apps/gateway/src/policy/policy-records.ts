import { mergePatch } from '@berth/config';
import { messageOf } from '@berth/errors';
import { isAgentId, isServiceName } from '@berth/exchange';
import type { Log } from '@berth/observability';
import type { Json, RecordStore } from '@berth/state';
import type { PolicyLayer } from './policy-layers.js';
import { entriesOf, partOf, type PolicyEntry, type PolicyPart } from './policy-schema.js';

const PREFIX = 'policies/';

/** Stands for all local services of an agent; no service is called so. */
const ALL = '';

/**
 * What operators have set while the gateway ran, as records of the state:
 * `policies/<agent id>` for all local services of an agent, `policies/<agent id>/<service>` for one.
 */
export class PolicyRecords {
  private readonly records = new Map<string, readonly PolicyEntry[]>();

  constructor(
    private readonly store: RecordStore,
    private readonly log: Log,
  ) {}

  /** @throws BerthError `BERTH_STATE_UNUSABLE` */
  async load(): Promise<this> {
    for (const { key, value } of await this.store.list(PREFIX)) {
      try {
        const [agentId = '', service = ALL, ...more] = key.slice(PREFIX.length).split('/');
        if (more.length > 0 || !isAgentId(agentId) || !(service === ALL || isServiceName(service)))
          throw new Error('its key names no agent');
        this.records.set(key, entriesOf(value));
      } catch (thrown) {
        const fields = { key, reason: messageOf(thrown) };
        this.log.error(fields, 'a policy in the state cannot be understood and does not hold (state.file)');
      }
    }
    return this;
  }

  /** What has been set for an agent, or for one of its services alone. */
  of(agentId: string, service: string | undefined): readonly PolicyEntry[] {
    return this.records.get(keyOf(agentId, service)) ?? [];
  }

  /**
   * What holds for a port, the weaker first.
   *
   * @param service name of the local service, `default` included
   */
  layersOf(agentId: string, service: string): PolicyLayer[] {
    return [undefined, service].map((one) => ({
      entries: this.of(agentId, one),
      source: `PATCH /agents/${agentId}/policy${one === undefined ? '' : `?service=${one}`}`,
    }));
  }

  /**
   * Holds at once, and over restarts when this resolves.
   *
   * @param entries none: the record goes
   * @throws BerthError `BERTH_STATE_UNUSABLE`: nothing has changed
   */
  async set(agentId: string, service: string | undefined, entries: readonly PolicyEntry[]): Promise<void> {
    const key = keyOf(agentId, service);
    if (entries.length === 0) await this.store.delete(key);
    else await this.store.put(key, partOf(entries) as Json);
    await this.store.sync();
    if (entries.length === 0) this.records.delete(key);
    else this.records.set(key, entries);
  }
}

/** A part with a change in it: what the change gives as null goes back to whatever else is said (RFC 7396). */
export function patched(entries: readonly PolicyEntry[], change: unknown): PolicyPart {
  return mergePatch(partOf(entries), change) as PolicyPart;
}

function keyOf(agentId: string, service: string | undefined): string {
  return `${PREFIX}${agentId}${service === undefined ? '' : `/${service}`}`;
}
