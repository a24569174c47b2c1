import {
  type AgentConfigAck,
  type AgentConnection,
  type AgentMetrics,
  type ConnectionListener,
  type Member,
  MemberSignals,
} from '@berth/agent-pool';
import type { Agent } from './agent.js';
import type { AgentReports } from './agent-reports.js';

/** Reports of metrics that are read of a connection in a second, on average. */
const REPORTS_PER_SECOND = 1;
/** The same at once: many series come in several reports. */
const REPORTS_AT_ONCE = 8;

/** What is heard of one connection in service, and where it goes. */
export class AgentSignals extends MemberSignals<AgentConnection> implements ConnectionListener {
  private readable = REPORTS_AT_ONCE;
  private countedAt: number;

  constructor(
    private readonly agent: Agent,
    member: Member<AgentConnection>,
    private readonly reports: AgentReports,
  ) {
    super(
      member,
      () => {
        agent.admission.roomMade();
      },
      () => performance.now(),
    );
    this.countedAt = this.now();
  }

  override pauseAsked(paused: boolean): void {
    this.agent.signals[paused ? 'pause' : 'resume'] += 1;
    super.pauseAsked(paused);
  }

  exchangeHeld(held: boolean): void {
    this.agent.signals[held ? 'hold' : 'release'] += 1;
  }

  capacityChanged(): void {
    this.agent.signals.capacity += 1;
  }

  metricsReported(read: () => AgentMetrics): void {
    this.agent.signals.metrics += 1;
    const now = this.now();
    const passed = ((now - this.countedAt) / 1000) * REPORTS_PER_SECOND;
    this.readable = Math.min(REPORTS_AT_ONCE, this.readable + passed);
    this.countedAt = now;
    if (this.readable < 1) {
      this.agent.reported.passedOver += 1;
      return;
    }
    this.readable -= 1;
    this.reports.metrics(this.agent, this.member.replica.id, read(), now);
  }

  configAcknowledged(ack: AgentConfigAck): void {
    this.agent.signals.acknowledgement += 1;
    this.reports.answer(this.member.connection, ack);
  }
}
