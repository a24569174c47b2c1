import { Inject, Injectable } from '@nestjs/common';
import { BerthError } from '@berth/errors';
import { AGENT_ID_RULE, isAgentId, isServiceName, SERVICE_NAME_RULE } from '@berth/exchange';
import type { Log } from '@berth/observability';
import { PortAllocatorService } from '@berth/port-allocator';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { LeaseRecords } from './lease-records.js';

/** A port that is kept for a local service. */
export interface PinnedPort {
  agentId: string;
  service: string;
  port: number;
  /** that the service listens on now; undefined: it is away */
  portInUse: number | undefined;
}

/** Ports that an operator gives to local services, and takes from them, whether they are there or away. */
@Injectable()
export class PortPins {
  constructor(
    private readonly ports: PortAllocatorService,
    private readonly records: LeaseRecords,
    @Inject(GATEWAY_LOG) private readonly log: Log,
  ) {}

  /**
   * Resolves when the pin is kept, on disk where there is a file.
   *
   * @throws BerthError `BERTH_BAD_REQUEST`, `BERTH_STATE_UNUSABLE`, and what {@link PortAllocatorService.pin} throws
   */
  async pin(agentId: string, service: string, port: number): Promise<PinnedPort> {
    checkNames(agentId, service);
    this.ports.pin(agentId, service, port);
    await this.records.sync();
    this.log.info({ agentId, service, port }, 'port pinned');
    return { agentId, service, port, portInUse: this.ports.portsOf(agentId, service).lease?.port };
  }

  /** @throws BerthError `BERTH_BAD_REQUEST`, `BERTH_STATE_UNUSABLE`, and what {@link PortAllocatorService.free} throws */
  async free(agentId: string, service: string): Promise<void> {
    checkNames(agentId, service);
    this.ports.free(agentId, service);
    await this.records.sync();
    this.log.info({ agentId, service }, 'port freed');
  }
}

function checkNames(agentId: string, service: string): void {
  if (!isAgentId(agentId)) throw new BerthError('BERTH_BAD_REQUEST', `the agent id must be ${AGENT_ID_RULE}`);
  if (!isServiceName(service)) {
    throw new BerthError('BERTH_BAD_REQUEST', `the name of a local service must be ${SERVICE_NAME_RULE}`);
  }
}
