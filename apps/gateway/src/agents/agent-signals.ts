import {
  type Admission,
  type AgentConfigAck,
  type AgentConnection,
  type AgentMetrics,
  type ConnectionListener,
  MemberSignals,
  type ReportedHealth,
} from '@berth/agent-pool';
import type { Agent } from './agent.js';
import type { AgentReports } from './agent-reports.js';
import type { LocalService } from './local-service.js';

const now = (): number => performance.now();

/** What is heard of one connection in service, and where it goes: to each local service that it leads to. */
export class AgentSignals implements ConnectionListener {
  /** by name of the local service */
  private readonly services = new Map<string, MemberSignals<AgentConnection>>();
  private admissions: readonly Admission<AgentConnection>[] = [];
  private paused = false;
  /** of the connection as a whole */
  private health: { state: ReportedHealth; detail: string } | undefined;

  constructor(
    private readonly agent: Agent,
    private readonly connection: AgentConnection,
    private readonly reports: AgentReports,
  ) {}

  /** The connection leads to that service from here on. */
  serve(service: LocalService): void {
    const roomMade = (): void => {
      service.admission.roomMade();
    };
    const signals = new MemberSignals(service.connections.add(this.connection), roomMade, now);
    this.services.set(service.name, signals);
    this.admissions = [...this.admissions, service.admission];
    // What it said before that one came.
    if (this.health !== undefined) signals.healthReported(this.health.state, this.health.detail);
    if (this.paused) signals.pauseAsked(true);
    roomMade();
  }

  serves({ name, connections }: LocalService): boolean {
    return this.services.has(name) && connections.of(this.connection) !== undefined;
  }

  /** The connection leads to that service no more; exchanges under way go on. */
  withdraw(service: LocalService): void {
    this.services.delete(service.name);
    this.admissions = this.admissions.filter((admission) => admission !== service.admission);
    service.connections.remove(this.connection);
  }

  /** With each exchange that ends, so by the list. */
  roomMade(): void {
    for (const admission of this.admissions) admission.roomMade();
  }

  pingLate(late: boolean): void {
    for (const signals of this.services.values()) signals.pingLate(late);
  }

  healthReported(health: ReportedHealth, detail: string, service: string): void {
    if (service === '') this.health = { state: health, detail };
    for (const [name, signals] of this.services) {
      if (service === '' || service === name) signals.healthReported(health, detail);
    }
  }

  pauseAsked(paused: boolean): void {
    this.agent.signals[paused ? 'pause' : 'resume'] += 1;
    this.paused = paused;
    for (const signals of this.services.values()) signals.pauseAsked(paused);
  }

  exchangeHeld(held: boolean): void {
    this.agent.signals[held ? 'hold' : 'release'] += 1;
  }

  capacityChanged(): void {
    this.agent.signals.capacity += 1;
  }

  metricsReported(read: () => AgentMetrics): void {
    this.agent.signals.metrics += 1;
    const at = now();
    if (!this.agent.reported.mayRead(at)) return;
    this.reports.metrics(this.agent, this.connection.origin.instanceId, read(), at);
  }

  configAcknowledged(ack: AgentConfigAck): void {
    this.agent.signals.acknowledgement += 1;
    this.reports.answer(this.connection, ack);
  }
}
