import type { AgentConnection } from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import { LimitedLog, type Log } from '@berth/observability';
import { AgentSignals } from './agent-signals.js';
import type { ServiceOffer } from './local-service.js';
import type { Entry, ServiceEntry } from './registry-entry.js';
import type { ServiceClaim, ServiceOutcome, ServicePorts } from './service-ports.js';

/** What the registry does for it. */
export interface ChangesOwner {
  find(agentId: string): Entry | undefined;
  /** a connection has left while its ports opened: nobody may be there for them */
  left(entry: Entry): void;
}

/** Local services that come and go while their agent is connected; those that stay notice nothing. */
export class ServiceChanges {
  private readonly log: LimitedLog;

  constructor(
    private readonly owner: ChangesOwner,
    private readonly services: ServicePorts,
    log: Log,
  ) {
    // An agent can change them as often as it likes.
    this.log = new LimitedLog(log);
  }

  /**
   * Has a connection in service lead to what it offers from now on. The port of what nobody offers any more closes at
   * once, and its exchanges have the grace of a server that stops. Another kind, another wish for a port or another
   * address to listen on make another service of it.
   *
   * @param offers at least one, no name twice
   * @returns undefined when the connection has left
   */
  async apply(
    connection: AgentConnection,
    offers: readonly ServiceOffer[],
  ): Promise<readonly ServiceOutcome[] | undefined> {
    const entry = this.owner.find(connection.agentId);
    const signals = connection.listener;
    if (!(signals instanceof AgentSignals) || entry === undefined || !isOf(entry, connection)) return undefined;
    const withdrawn = [...entry.services.values()].filter(
      (held) => signals.serves(held.service) && !this.isOffered(held, offers),
    );
    for (const { service } of withdrawn) signals.withdraw(service);
    this.services.withdraw(withdrawn);
    const claims = this.services.claim(entry, offers, true);
    await this.services.settle(claims);
    if (this.owner.find(connection.agentId) !== entry || !isOf(entry, connection)) {
      this.owner.left(entry);
      return undefined;
    }
    const added: string[] = [];
    const outcomes = claims.map((claim): ServiceOutcome => {
      const { name } = claim.offer;
      const { held, error } = this.outcomeOf(entry, claim);
      if (held === undefined) return { name, port: 0, scheme: '', error };
      const { service } = held;
      this.services.use(held);
      this.services.describe(held, claim.offer);
      if (!signals.serves(service)) {
        added.push(name);
        signals.serve(service);
      }
      return { name, port: service.port, scheme: service.scheme, error: undefined };
    });
    this.services.order(entry, offers);
    this.tell(connection, added, withdrawn);
    return outcomes;
  }

  private isOffered(held: ServiceEntry, offers: readonly ServiceOffer[]): boolean {
    const offer = offers.find(({ name }) => name === held.service.name);
    return offer !== undefined && this.services.isSame(held, offer);
  }

  private outcomeOf(
    entry: Entry,
    { held, error }: ServiceClaim,
  ): { held: ServiceEntry | undefined; error: BerthError | undefined } {
    if (held === undefined || error !== undefined) return { held: undefined, error };
    if (entry.services.get(held.service.name) === held) return { held, error: undefined };
    return { held: undefined, error: new BerthError('BERTH_SERVER_START_FAILED', 'its port was lost as it opened') };
  }

  private tell(
    { agentId, id: connectionId }: AgentConnection,
    added: readonly string[],
    withdrawn: readonly ServiceEntry[],
  ): void {
    if (added.length === 0 && withdrawn.length === 0) return;
    const gone = withdrawn.map(({ service }) => service.name);
    this.log.info({ agentId, connectionId, added, withdrawn: gone }, 'an agent has changed its local services');
  }
}

function isOf({ agent }: Entry, connection: AgentConnection): boolean {
  return agent.connections.includes(connection);
}
