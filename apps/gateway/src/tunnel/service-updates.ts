import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentConnection } from '@berth/agent-pool';
import type { ServiceList, ServiceListReply } from '@berth/tunnel-protocol';
import type { ServiceOffer, ServiceOutcome } from '../agents/index.js';
import { checkList, offerOf, wirePort } from './offers.js';

/** Between two lists of one connection, ms: opening and closing ports costs, and an agent can ask as often as it likes. */
const PAUSE_MS = 100;

/** The registry, as far as it is asked here. */
export interface ServiceRegistry {
  changeServices(
    connection: AgentConnection,
    offers: readonly ServiceOffer[],
  ): Promise<readonly ServiceOutcome[] | undefined>;
}

/** The connection that the lists are of. */
export type UpdatedConnection = AgentConnection & {
  tell(kind: 'servicesReply', body: ServiceListReply): void;
};

/** Applies the lists of local services that a connection sends: one at a time, and the newest of those that wait. */
export class ServiceUpdates {
  private waiting: ServiceList | undefined;
  private busy = false;

  /** @param fault told of what is our own fault */
  constructor(
    private readonly connection: UpdatedConnection,
    private readonly registry: ServiceRegistry,
    private readonly fault: (thrown: unknown) => void,
    private readonly pauseMs = PAUSE_MS,
  ) {}

  /** @throws BerthError `BERTH_PROTOCOL_ERROR` */
  take(list: ServiceList): void {
    checkList(list.services);
    this.waiting = list;
    if (this.busy) return;
    this.busy = true;
    void this.run()
      .catch(this.fault)
      .finally(() => (this.busy = false));
  }

  private async run(): Promise<void> {
    const { connection } = this;
    while (this.waiting !== undefined && !connection.closed) {
      const { number, services } = this.waiting;
      this.waiting = undefined;
      const outcomes = await this.registry.changeServices(connection, services.map(offerOf));
      // One that has closed meanwhile is no longer of an agent.
      if (outcomes === undefined) return;
      connection.tell('servicesReply', { number, ports: outcomes.map(wirePort) });
      await sleep(this.pauseMs, undefined, { ref: false });
    }
  }
}
