import { BerthError } from '@berth/errors';
import type { Carrier, OpenedExchange, OpenHead, ResponseSink } from '@berth/exchange';
import type { AgentConnection } from './agent-connection.js';

/** The connections of one agent, and how one is picked for an exchange. */
export class AgentPool {
  private list: readonly AgentConnection[] = [];
  private turn = 0;

  constructor(readonly agentId: string) {}

  get all(): readonly AgentConnection[] {
    return this.list;
  }

  get inFlight(): number {
    return this.list.reduce((sum, connection) => sum + connection.inFlight, 0);
  }

  /** Copies on write: a caller that walks {@link all} is never disturbed. */
  add(connection: AgentConnection): void {
    this.list = [...this.list, connection];
  }

  /** Removes that very connection, never another with the same name (checklist A11). */
  remove(connection: AgentConnection): boolean {
    const before = this.list.length;
    this.list = this.list.filter((other) => other !== connection);
    return this.list.length < before;
  }

  /**
   * Begins an exchange on the connection that suits best; the exchange knows which one that is.
   *
   * @param except a connection that has just failed this exchange
   * @throws BerthError what {@link select} throws, and `BERTH_CONNECTION_CLOSED`
   */
  open(head: OpenHead, sink: ResponseSink, except?: Carrier): OpenedExchange {
    return this.select(except).open(head, sink);
  }

  /**
   * The accepting connection with the fewest exchanges; equals take turns.
   *
   * @param except a connection that has just failed this exchange
   * @throws BerthError `BERTH_AGENT_UNAVAILABLE` when none accepts, `BERTH_AGENT_BUSY` when all are full
   */
  select(except?: Carrier): AgentConnection {
    const { list } = this;
    const count = list.length;
    let best: AgentConnection | undefined;
    let full = false;
    let congested = false;
    if (count > 1) this.turn = (this.turn + 1) % count;
    for (let i = 0; i < count; i += 1) {
      const connection = list[(this.turn + i) % count] as AgentConnection;
      if (!connection.accepting || connection === except) continue;
      if (connection.inFlight >= connection.capacity) full = true;
      else if (connection.congested) congested = true;
      else if (best === undefined || connection.inFlight < best.inFlight) best = connection;
    }
    best ??= this.standIn(except);
    if (best !== undefined) return best;
    throw this.noneFree(full, congested);
  }

  private noneFree(full: boolean, congested: boolean): BerthError {
    const { agentId, inFlight } = this;
    if (full) {
      const what = `has ${inFlight} exchanges, as many as it takes (tunnel.maxExchanges at the agent)`;
      return new BerthError('BERTH_AGENT_BUSY', `agent ${agentId} ${what}`);
    }
    if (congested) {
      const what = 'does not read what it has been sent: nothing new is begun until it does';
      return new BerthError('BERTH_AGENT_BUSY', `agent ${agentId} ${what}`);
    }
    return new BerthError('BERTH_AGENT_UNAVAILABLE', `no healthy connections for agent ${agentId}`);
  }

  private standIn(except: Carrier | undefined): AgentConnection | undefined {
    return this.list.find((it) => it.standby && it !== except && it.inFlight < it.capacity && !it.congested);
  }
}
