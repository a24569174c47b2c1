import type { BerthError } from '@berth/errors';
import type { AgentSettings } from '../agent-settings.js';
import type { LocalService } from '../local-service.js';
import { targetsOf } from '../service-offers.js';
import type { AgentAddress } from '../session/agent-address.js';
import type { AgentClient } from '../session/agent-client.js';
import { VERSION } from '../version.js';

/** What a running agent says of itself; names as the admin API has them, times in ISO 8601. */
export interface AgentStatus {
  readonly id: string;
  readonly pid: number;
  readonly version: string;
  readonly started_at: string;
  /** as in the settings */
  readonly gateway: string;
  readonly connected: boolean;
  /** since when it is, or is not */
  readonly since: string;
  /** why it is not; null: it is, or has not tried yet */
  readonly reason: { readonly code: string; readonly message: string } | null;
  /** when it tries again; null: it is connected, or tries now */
  readonly next_attempt_at: string | null;
  readonly services: readonly ServiceStatus[];
  /** under way now */
  readonly in_flight: number;
  /** since the start, of all local services */
  readonly exchanges: number;
  readonly failed: number;
  readonly resident_memory_bytes: number;
}

export interface ServiceStatus {
  readonly name: string;
  readonly target: string;
  /** where clients reach it; empty: nowhere now, or the gateway does not say */
  readonly url: string;
  /** null: nobody looks, or not yet */
  readonly answering: boolean | null;
  /** why it does not; else empty */
  readonly message: string;
}

/** Keeps in mind what an agent's connection came to. */
export class StatusKeeper {
  private readonly startedAt = new Date();
  private since = this.startedAt;
  private address: AgentAddress | undefined;
  private lost: { reason: BerthError; retryAt: Date } | undefined;

  constructor(private readonly client: Pick<AgentClient, 'on' | 'inFlight'>) {
    client.on('ready', (address) => {
      this.address = address;
      this.lost = undefined;
      this.since = new Date();
    });
    client.on('services', (address) => {
      this.address = address;
    });
    client.on('lost', ({ reason, retryInMs }) => {
      if (this.address !== undefined) this.since = new Date();
      this.address = undefined;
      this.lost = { reason, retryAt: new Date(Date.now() + retryInMs) };
    });
  }

  /** @param settings in force */
  read(
    settings: Pick<AgentSettings, 'id' | 'gateway' | 'target' | 'expose'>,
    services: readonly LocalService[],
  ): AgentStatus {
    const { address, lost } = this;
    const failed = services.flatMap(({ figures }) => [...figures.failed.values()]);
    return {
      id: settings.id,
      pid: process.pid,
      version: VERSION,
      started_at: this.startedAt.toISOString(),
      gateway: settings.gateway,
      connected: address !== undefined,
      since: this.since.toISOString(),
      reason: lost === undefined ? null : { code: lost.reason.code, message: lost.reason.message },
      next_attempt_at: lost === undefined ? null : lost.retryAt.toISOString(),
      services: targetsOf(settings).map(([name, target]) => {
        const watch = services.find((one) => one.name === name)?.watch;
        return {
          name,
          target,
          url: address?.services.find((one) => one.name === name)?.url ?? '',
          answering: watch?.isUp ?? null,
          message: watch?.health.message ?? '',
        };
      }),
      in_flight: this.client.inFlight,
      exchanges: services.reduce((sum, { figures }) => sum + figures.exchanges, 0),
      failed: failed.reduce((sum, count) => sum + count, 0),
      resident_memory_bytes: process.memoryUsage.rss(),
    };
  }
}
