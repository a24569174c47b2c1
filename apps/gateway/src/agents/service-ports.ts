import type { AgentConnection } from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import type { Log } from '@berth/observability';
import type { AgentBerths, OpenPort } from '../ports/index.js';
import type { ServiceOffer } from './local-service.js';
import type { PoolCare } from './pool-care.js';
import { type Entry, longestHeld, type ServiceEntry } from './registry-entry.js';
import { taken } from './succession.js';

/** What became of an offer. */
export interface ServiceOutcome {
  readonly name: string;
  /** 0: there is none */
  readonly port: number;
  readonly scheme: string;
  /** why there is none */
  readonly error: BerthError | undefined;
}

/** An offer with the port that is being opened for it, or why there is none. */
export interface ServiceClaim {
  readonly offer: ServiceOffer;
  readonly held: ServiceEntry | undefined;
  error: BerthError | undefined;
}

/** Why there is no port at all: an agent gives up what cannot pass, so a reason that may pass goes first. */
export function whyNone(claims: readonly ServiceClaim[]): BerthError | undefined {
  return claims.find(({ error }) => error?.retryable)?.error ?? claims[0]?.error;
}

/** The ports of local services: opened when the first connection offers one, kept while any serves it or is to come back. */
export class ServicePorts {
  private readonly held = new Set<ServiceEntry>();
  private closed = false;

  /** @param empty told when an agent has lost its last port */
  constructor(
    private readonly berths: AgentBerths,
    private readonly care: PoolCare,
    private readonly holdMs: number,
    private readonly log: Log,
    private readonly empty: (entry: Entry) => void,
  ) {}

  /**
   * Begins with the port of each offer; {@link settle} has to follow.
   *
   * @param moves whether another port wished than the one that a service was given for its wish is to be had; at a
   *   registration the service has what its first connection got
   */
  claim(entry: Entry, offers: readonly ServiceOffer[], moves = false): ServiceClaim[] {
    return offers.map((offer) => {
      try {
        const held = this.claimOne(entry, offer, moves);
        held.arriving += 1;
        return { offer, held, error: undefined };
      } catch (thrown) {
        return { offer, held: undefined, error: BerthError.from(thrown) };
      }
    });
  }

  /** Waits for the ports. A claim whose port could not be opened has its error afterwards. */
  async settle(claims: readonly ServiceClaim[]): Promise<void> {
    await Promise.all(
      claims.map(async (claim) => {
        const { held } = claim;
        if (held === undefined) return;
        try {
          Object.assign(held.service, await held.opened);
        } catch (thrown) {
          claim.error = BerthError.from(thrown);
          this.forget(held);
        }
      }),
    );
    for (const { held } of claims) if (held !== undefined) held.arriving -= 1;
  }

  /** A connection serves it: it is held no more. */
  use(held: ServiceEntry): void {
    clearTimeout(held.holdTimer);
    held.holdTimer = undefined;
    this.held.delete(held);
  }

  /**
   * Gives up what nobody serves any more, at once or after its hold.
   *
   * @param mayHold the agent was there: it may come back
   */
  letGo(entry: Entry, mayHold: boolean): void {
    for (const held of [...entry.services.values()]) {
      const { service, arriving, holdTimer } = held;
      if (service.connections.all.length > 0 || arriving > 0) continue;
      service.admission.refuseAll(service.connections.refusal());
      // The shutdown stops all servers by itself.
      if (this.closed || holdTimer !== undefined) continue;
      if (this.holdMs === 0 || !mayHold) {
        void this.remove(held);
        continue;
      }
      this.held.add(held);
      held.holdTimer = setTimeout(() => {
        held.holdTimer = undefined;
        // Its agent is on its way in; if it does not get there, that gives the port up.
        if (held.arriving === 0) void this.remove(held);
      }, this.holdMs);
      held.holdTimer.unref();
    }
  }

  /** Whether an offer is of the service as it is; otherwise that is another one, with the same name. */
  isSame({ service, wish }: ServiceEntry, offer: ServiceOffer, moves = true): boolean {
    if (service.kind !== offer.kind || service.loopback !== (offer.loopback === true)) return false;
    return !moves || offer.port === 0 || offer.port === service.port || offer.port === wish;
  }

  /** Takes the ports of services that a connection serves no more, where no other does: they are not held. */
  withdraw(services: readonly ServiceEntry[]): void {
    for (const held of services) {
      const { service, arriving } = held;
      if (service.connections.all.length > 0 || arriving > 0) continue;
      service.admission.refuseAll(service.connections.refusal());
      void this.remove(held);
    }
  }

  /** Asks a service that stays for what its agent says now. */
  describe({ asked }: ServiceEntry, offer: ServiceOffer): void {
    asked.path = this.care.pathOf(offer);
  }

  /** Brings the agent's services into the order in which a connection offers them. */
  order(entry: Entry, offers: readonly ServiceOffer[]): void {
    const { services } = entry;
    const offered = offers.flatMap(({ name }) => services.get(name) ?? []);
    const all = new Set([...offered, ...services.values()]);
    services.clear();
    for (const held of all) services.set(held.service.name, held);
    listServices(entry);
  }

  /** Holds nothing any more; whoever calls stops the servers. */
  close(): void {
    this.closed = true;
    for (const held of [...this.held]) this.use(held);
  }

  private claimOne(entry: Entry, offer: ServiceOffer, moves: boolean): ServiceEntry {
    const known = entry.services.get(offer.name);
    const isUsed = known !== undefined && (known.service.connections.all.length > 0 || known.arriving > 0);
    if (known !== undefined) {
      const isSame = this.isSame(known, offer, moves);
      if (isSame && (isUsed || !this.berths.isToMove(known.service))) return known;
      if (isUsed) throw taken(entry, `serves ${offer.name} with ${described(known)}`);
      void this.remove(known);
    }
    const cared = this.care.newService(entry.agent, offer);
    if (entry.agent.drained) cared.service.connections.drain();
    const held: ServiceEntry = {
      ...cared,
      entry,
      opened: this.open(entry, cared.service, offer.port),
      wish: offer.port,
      holdTimer: undefined,
      arriving: 0,
    };
    entry.services.set(offer.name, held);
    listServices(entry);
    return held;
  }

  private async open(entry: Entry, service: ServiceEntry['service'], wish: number): Promise<OpenPort> {
    const onLost = (error: BerthError): void => {
      const connections: readonly AgentConnection[] = service.connections.all;
      for (const connection of connections) connection.close(error);
      const held = entry.services.get(service.name);
      if (held?.service === service) void this.remove(held);
    };
    for (;;) {
      try {
        return await this.berths.start(service, onLost, wish);
      } catch (thrown) {
        const isExhausted = BerthError.from(thrown).code === 'BERTH_PORTS_EXHAUSTED';
        const isOfUse = (held: ServiceEntry): boolean =>
          held.arriving === 0 && this.berths.couldHave(service, held.service);
        const evicted = isExhausted ? longestHeld(this.held, isOfUse) : undefined;
        if (evicted === undefined) throw thrown;
        // A port that waits for an agent is worth less than an agent that waits for a port.
        await this.remove(evicted);
      }
    }
  }

  private remove(held: ServiceEntry): Promise<void> {
    const { service } = held;
    if (service.connections.all.length > 0 || !this.forget(held)) return Promise.resolve();
    return this.berths.stop(service.key).catch((thrown: unknown) => {
      this.log.error({ agentId: service.id, service: service.name, err: thrown }, 'agent server was gone already');
    });
  }

  /** @returns false when it was forgotten already */
  private forget(held: ServiceEntry): boolean {
    const { entry } = held;
    const { name } = held.service;
    if (entry.services.get(name) !== held) return false;
    this.use(held);
    entry.services.delete(name);
    listServices(entry);
    if (entry.services.size === 0) this.empty(entry);
    return true;
  }
}

function described({ service: { kind, port, loopback } }: ServiceEntry): string {
  return `port ${port} of kind ${kind}${loopback ? ' on loopback' : ''}`;
}

/** The agent shows those that the registry keeps of it, in their order. */
function listServices({ agent, services }: Entry): void {
  agent.services = [...services.values()].map(({ service }) => service);
}
