import type { BerthError } from '@berth/errors';
import { ExchangeKind, type OpenHead } from '@berth/exchange';
import { CREDIT_RETURN_FEATURE } from '../src/frames.js';
import { TunnelSession } from '../src/tunnel-session.js';
import { WindowBudget } from '../src/window-budget.js';
import { Party } from './party.js';
import { Random } from './random.js';
import { turn, Wire } from './wire.js';
import { WireAudit } from './wire-audit.js';

const MAX_EXCHANGES = 6;

/** Both ends of a connection, a network between them, and somebody who uses it at random. */
export class Simulation {
  readonly random: Random;
  readonly toAgent = new Wire();
  readonly toGateway = new Wire();
  readonly gatewayBudget = new WindowBudget(2_000_000);
  readonly agentBudget = new WindowBudget(300_000);
  readonly gateway: TunnelSession;
  readonly agent: TunnelSession;
  readonly audit: WireAudit;
  readonly gatewayParties: Party[] = [];
  readonly agentParties: Party[] = [];
  readonly closed: (BerthError | null)[] = [];
  private clock = 0;

  constructor(seed: number) {
    const random = (this.random = new Random(seed));
    const windows = { gateway: random.between(1, 80_000), agent: random.between(1, 80_000) };
    this.audit = new WireAudit(windows);
    const options = {
      sendAheadBytes: random.between(1, 300_000),
      maxControlBytes: 50_000_000,
      now: () => this.clock,
    };
    const closed = (error: BerthError | undefined): void => void this.closed.push(error ?? null);
    this.gateway = new TunnelSession(
      this.toAgent,
      { closed },
      {
        ...options,
        role: 'gateway',
        maxExchanges: 0,
        window: { startBytes: windows.gateway, maxBytes: 1_000_000, budget: this.gatewayBudget },
      },
    );
    this.agent = new TunnelSession(
      this.toGateway,
      {
        closed,
        opened: (exchange) => {
          const party = new Party('agent', exchange.openHead.kind, random.size(600_000), random);
          party.exchange = exchange;
          this.agentParties.push(party);
          if (random.chance(0.5)) party.produce();
          return party;
        },
      },
      {
        ...options,
        role: 'agent',
        maxExchanges: MAX_EXCHANGES,
        window: { startBytes: windows.agent, maxBytes: 200_000, budget: this.agentBudget },
      },
    );
    const features = random.chance(0.8) ? [CREDIT_RETURN_FEATURE] : [];
    this.gateway.establish(
      { maxExchanges: MAX_EXCHANGES, initialWindowBytes: windows.agent },
      { owner: 'agent', features },
    );
    this.agent.establish({ maxExchanges: 0, initialWindowBytes: windows.gateway }, { features });
    this.toAgent.receiver = this.agent;
    this.toGateway.receiver = this.gateway;
    this.toAgent.onSend = (batch) => {
      this.audit.sent('gateway', batch);
    };
    this.toGateway.onSend = (batch) => {
      this.audit.sent('agent', batch);
    };
  }

  get parties(): Party[] {
    return [...this.gatewayParties, ...this.agentParties];
  }

  open(): void {
    const { random } = this;
    if (this.gateway.closed || this.gateway.inFlight >= MAX_EXCHANGES) return;
    const kind = random.pick([ExchangeKind.http, ExchangeKind.http, ExchangeKind.upgrade, ExchangeKind.tcp]);
    const body = kind !== ExchangeKind.http || random.chance(0.6);
    const party = new Party('gateway', kind, body ? random.size(600_000) : 0, random);
    party.endQueued = !body;
    const head: OpenHead = { kind, method: 'POST', target: '/', headers: ['X', 'y'.repeat(random.size(70_000))], body };
    party.exchange = this.gateway.open(head, party);
    this.gatewayParties.push(party);
    if (random.chance(0.5)) party.produce();
  }

  async step(): Promise<void> {
    const { random } = this;
    this.clock += random.chance(0.1) ? random.between(0, 3000) : random.next();
    const party = this.parties.length > 0 ? random.pick(this.parties.slice(-2 * MAX_EXCHANGES)) : undefined;
    const choice = random.between(0, 99);
    if (choice < 8) this.open();
    else if (choice < 30) party?.produce();
    else if (choice < 45) party?.consume();
    else if (choice < 47) party?.reset();
    else if (choice < 49) random.pick([this.gateway, this.agent]).observeRtt(random.between(20, 200));
    else if (choice < 54) this.pause(random.pick([this.gateway, this.agent]));
    else if (choice < 60) random.pick([this.toAgent, this.toGateway]).take();
    else if (choice < 80) random.pick([this.toAgent, this.toGateway]).deliver();
    else await turn();
    this.checkHeld();
  }

  /** Time for a session to see which credit nobody uses. */
  private pause(session: TunnelSession): void {
    session.returnUnusedCredit();
    session.returnUnusedCredit();
  }

  /** What both ends hold: a window per exchange, and all growth within the part of one owner. */
  private checkHeld(): void {
    for (const { exchange, heldBytes } of this.parties) {
      if (!exchange.closed && heldBytes > exchange.window.size) throw new Error('more held than the window');
    }
    for (const { used, limitBytes } of [this.gatewayBudget, this.agentBudget]) {
      if (used < 0 || used > limitBytes / 2) throw new Error(`${used} of ${limitBytes} bytes of growth for one owner`);
    }
  }

  /** Lets everybody go on as fast as they can; whether all came to an end. */
  async settle(): Promise<boolean> {
    for (let round = 0; round < 20_000; round += 1) {
      this.clock += 1;
      for (const party of this.parties) {
        party.produce();
        party.consume();
      }
      this.toAgent.flush();
      this.toGateway.flush();
      await turn();
      const busy = this.gateway.inFlight + this.agent.inFlight > 0 || this.toAgent.waiting || this.toGateway.waiting;
      if (!busy && this.parties.every((party) => party.heldBytes === 0 || party.stopsConsuming)) return true;
    }
    return false;
  }
}
